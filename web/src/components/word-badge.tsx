/** The word that people read for a run's state, with a dot that carries it at a glance. */
import { Tooltip } from "@mantine/core";
import type { Run } from "@/api/types";
import classes from "./word-badge.module.css";

export function WordBadge({ run, size = "sm" }: { run: Pick<Run, "word" | "reason" | "reason_code">; size?: "sm" | "lg" }) {
  const badge = (
    <span className={classes.word} data-word={run.word} data-testid="run-word" style={{ fontSize: size === "lg" ? "1rem" : undefined }}>
      <span className={classes.dot} aria-hidden />
      {run.word}
    </span>
  );
  return run.reason ? <Tooltip label={run.reason}>{badge}</Tooltip> : badge;
}
