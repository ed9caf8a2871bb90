/** What can be done with a run in each of its words. One table, so that list and page offer the same. */
import type { Run } from "@/api/types";

export interface Verbs {
  open: boolean;
  stop: boolean;
  cancel: boolean;
  start: boolean;
  attach: boolean;
  remove: boolean;
}

export function verbsOf(run: Pick<Run, "word" | "kind" | "state">): Verbs {
  const interactive = run.kind === "interactive";
  const alive = ["Waiting", "Starting", "Ready", "Running"].includes(run.word);
  return {
    open: interactive && run.word === "Ready",
    stop: interactive && alive,
    cancel: !interactive && alive,
    start: interactive && (run.word === "Stopped" || run.word === "Failed" || (run.word === "Ended" && run.state !== "canceled")),
    attach: interactive && (run.word === "Ready" || run.word === "Stopped"),
    remove: run.state !== "canceling",
  };
}

/** Whether more is about to happen by itself, so that streams and logs are worth following. */
export function isMoving(run: Pick<Run, "word">): boolean {
  return ["Waiting", "Starting", "Ready", "Running", "Stopping"].includes(run.word);
}
