/** What was asked of a run and is not done yet: it is kept while the runner is away, and for how long is said. */
import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { runActionsQuery } from "@/api/runs";
import type { Action, Run } from "@/api/types";
import { TimeAgo } from "@/components/time-ago";

const WORDS: Record<Action["kind"], string> = {
  attach: "Attaching data",
  detach: "Detaching data",
  start: "Starting it",
  stop: "Stopping it",
  cancel: "Canceling it",
  keep: "Keeping it",
  extend: "Giving it more time",
  delete: "Deleting it",
};

export function PendingActions({ run }: { run: Run }) {
  const { data: actions } = useQuery(runActionsQuery(run.id));
  const pending = (actions ?? []).filter((action) => action.state === "queued" || action.state === "running");
  if (pending.length === 0) return null;
  return (
    <div role="status">
      {pending.map((action) => (
        <Text key={action.id} size="sm" c="dimmed">
          {WORDS[action.kind]}, asked for <TimeAgo at={action.created_at} />. {action.reason || "Waiting for its runner"}; this stands until it expires{" "}
          <TimeAgo at={action.expires_at} />.
        </Text>
      ))}
    </div>
  );
}
