/** How a run is getting on: its steps, what it does just now, since when. */
import { Box, Group, Text } from "@mantine/core";
import type { CSSProperties } from "react";
import { useRunProgress } from "@/api/run-streams";
import type { Run } from "@/api/types";
import { formatDuration, secondsBetween } from "@/lib/format";
import { useNow } from "@/lib/use-now";
import { stepsOf } from "./run-steps";
import classes from "./steps-line.module.css";

export function RunProgress({ run }: { run: Run }) {
  const live = useRunProgress(run.id, run.word === "Waiting" || run.word === "Starting" || run.word === "Running");
  const now = useNow(1_000);
  const share = live?.progress ?? run.progress;
  const steps = stepsOf(run, live?.message);
  const current = steps.find((step) => step.status === "now");
  const since = run.word === "Running" ? run.started_at : run.queued_at;
  return (
    <Box role="region" aria-label="Progress">
      <ol className={classes.steps} style={{ "--step-share": `${share}%` } as CSSProperties}>
        {steps.map((step) => (
          <li key={step.name} className={classes.step} data-status={step.status} aria-current={step.status === "now" ? "step" : undefined}>
            {step.name}
          </li>
        ))}
      </ol>
      {current && (
        <Group justify="space-between" mt="xs" gap="xs">
          <Text size="sm" aria-live="polite">
            {current.detail ?? "…"}
          </Text>
          <Text size="sm" c="dimmed" className="numbers">
            {share > 0 && share < 100 && `${Math.round(share)} % · `}
            {since && formatDuration(secondsBetween(since, now))}
          </Text>
        </Group>
      )}
    </Box>
  );
}
