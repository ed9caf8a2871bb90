import { describe, expect, it } from "vitest";
import { fakeRun } from "@/testing/fakes";
import { stepsOf } from "./run-steps";
import { verbsOf } from "./run-verbs";

const shape = (run: Parameters<typeof stepsOf>[0]) => stepsOf(run).map((step) => `${step.name} ${step.status}`);

describe("steps", () => {
  it("wait first", () => {
    expect(shape(fakeRun({ word: "Waiting", state: "queued" }))).toEqual(["Waiting now", "Preparing todo", "Starting todo", "Ready todo"]);
  });

  it("prepare while data is staged and images are pulled", () => {
    expect(shape(fakeRun({ word: "Starting", state: "initializing", reason_code: "pulling_image" }))[1]).toBe("Preparing now");
  });

  it("start once the tool's own process begins", () => {
    expect(shape(fakeRun({ word: "Starting", state: "initializing", reason_code: "starting" }))[2]).toBe("Starting now");
    expect(shape(fakeRun({ word: "Starting", state: "running", ready: false }))[2]).toBe("Starting now");
  });

  it("of a task lead to its end", () => {
    expect(shape(fakeRun({ kind: "task", word: "Running" }))).toEqual(["Waiting done", "Preparing done", "Running now", "Ended todo"]);
  });

  it("show where it failed", () => {
    expect(shape(fakeRun({ word: "Failed", started_at: null, attempt: 1 }))[1]).toBe("Preparing failed");
  });

  it("say what the stream says, before what the record says", () => {
    expect(stepsOf(fakeRun({ word: "Starting", state: "initializing", message: "old" }), "new")[1]?.detail).toBe("new");
  });
});

describe("verbs", () => {
  it("offer to open only what is ready", () => {
    expect(verbsOf(fakeRun({ word: "Ready" }))).toMatchObject({ open: true, stop: true, start: false });
    expect(verbsOf(fakeRun({ word: "Starting" }))).toMatchObject({ open: false, stop: true });
  });

  it("start again what is stopped or failed, never what was deleted", () => {
    expect(verbsOf(fakeRun({ word: "Stopped", state: "paused" })).start).toBe(true);
    expect(verbsOf(fakeRun({ word: "Failed", state: "executor_error" })).start).toBe(true);
    expect(verbsOf(fakeRun({ word: "Ended", state: "canceled" })).start).toBe(false);
  });

  it("cancel a task, for it keeps nothing to be stopped with", () => {
    expect(verbsOf(fakeRun({ kind: "task", word: "Running" }))).toMatchObject({ cancel: true, stop: false, attach: false });
  });
});
