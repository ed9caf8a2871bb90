/** When a run ends by itself, and the warning before it is paused because nothing happens in it. */
import { Alert, Button, Group, Text } from "@mantine/core";
import { IconZzz } from "@tabler/icons-react";
import { useKeep } from "@/api/runs";
import type { Run } from "@/api/types";
import { ProblemAlert } from "@/components/problem-alert";
import { formatDuration, formatMoment, secondsBetween } from "@/lib/format";
import { useNow } from "@/lib/use-now";

/** "at 18:00, in 7 h 2 min". */
export function EndsAt({ at }: { at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} className="numbers">
      {formatMoment(at, now)}, in {formatDuration(Math.max(0, secondsBetween(new Date(now).toISOString(), at)))}
    </time>
  );
}

export function EndsNote({ run }: { run: Run }) {
  if (run.word !== "Ready" || !run.ends_at) return null;
  return (
    <>
      {" · ends "}
      <EndsAt at={run.ends_at} />
    </>
  );
}

export function IdleWarning({ run }: { run: Run }) {
  const keep = useKeep(run.id);
  const now = useNow(1_000);
  if (run.word !== "Ready" || !run.pauses_at || !run.idle_since) return null;
  const left = Math.max(0, secondsBetween(new Date(now).toISOString(), run.pauses_at));
  return (
    <Alert color="yellow" role="alert" icon={<IconZzz size={18} aria-hidden />} title={`It pauses in ${formatDuration(left)}: nothing happens in it`}>
      <Group justify="space-between" gap="sm">
        <Text size="sm" style={{ flex: "1 1 16rem" }}>
          No kernel, download or page of it has been busy for {formatDuration(secondsBetween(run.idle_since, now))}. Paused, it keeps its files and can be started
          again; what is only in memory is lost.
        </Text>
        <Button loading={keep.isPending} onClick={() => keep.mutate()}>
          Keep it
        </Button>
      </Group>
      <ProblemAlert error={keep.error} />
    </Alert>
  );
}
