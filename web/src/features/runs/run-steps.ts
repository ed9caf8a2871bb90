/** The way from "asked for" to "ready" as a few steps, and how far a run has come. Pure. */
import type { Run } from "@/api/types";

export interface Step {
  name: string;
  status: "done" | "now" | "todo" | "failed";
  /** what is happening in it, from the run itself */
  detail?: string;
}

const PREPARING = new Set(["staging", "pulling_image"]);

export function stepsOf(run: Run, liveMessage?: string): Step[] {
  const names = run.kind === "task" ? ["Waiting", "Preparing", "Running", "Ended"] : ["Waiting", "Preparing", "Starting", "Ready"];
  const at = positionOf(run);
  const failed = run.word === "Failed";
  const detail = liveMessage || run.message || run.reason || undefined;
  return names.map((name, index): Step => {
    if (at >= names.length) return { name, status: "done" };
    if (index < at) return { name, status: "done" };
    if (index > at) return { name, status: "todo" };
    return { name, status: failed ? "failed" : "now", detail };
  });
}

function positionOf(run: Run): number {
  switch (run.word) {
    case "Waiting":
      return 0;
    case "Starting":
      return run.state === "initializing" && (!run.reason_code || PREPARING.has(run.reason_code)) ? 1 : 2;
    case "Running":
      return 2;
    case "Failed":
      return run.started_at ? 2 : run.attempt > 0 ? 1 : 0;
    default:
      return 4;
  }
}
