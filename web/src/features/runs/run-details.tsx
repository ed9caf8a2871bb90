/** The particulars of a run, and how to reach it from elsewhere. */
import { Button, Group, Stack, Text } from "@mantine/core";
import { useRunAccess, useExtend } from "@/api/runs";
import type { Run } from "@/api/types";
import { CopyLine } from "@/components/copy-line";
import { Facts } from "@/components/facts";
import { ProblemAlert } from "@/components/problem-alert";
import { Section } from "@/components/section";
import { TimeAgo } from "@/components/time-ago";
import { formatDuration, formatResources, secondsBetween } from "@/lib/format";
import { settingToText } from "@/lib/json-schema";
import { EndsAt } from "./run-ends";

const HOUR_S = 3600;

export function RunDetails({ run }: { run: Run }) {
  const extend = useExtend(run.id);
  const settings = Object.entries(run.request.arguments ?? {});
  return (
    <Section title="Details">
      <Facts
        facts={[
          ["Tool", `${run.tool} ${run.version}`],
          ["Where", [run.site, run.executor].filter(Boolean).join(", by ") || "not placed yet"],
          ["With", run.resource_class ? `${run.resource_class} (${formatResources(run.resources)})` : formatResources(run.resources)],
          ["Of", run.account_name],
          ["Asked for", <TimeAgo key="created" at={run.created_at} />],
          run.started_at ? ["Started", <TimeAgo key="started" at={run.started_at} />] : null,
          run.ready_at && run.queued_at ? ["Ready after", formatDuration(secondsBetween(run.queued_at, run.ready_at))] : null,
          run.ended_at && run.started_at ? ["Took", formatDuration(secondsBetween(run.started_at, run.ended_at))] : null,
          run.exit_code !== null && run.exit_code !== undefined && ["Exit code", String(run.exit_code)],
          run.restarts > 0 && ["Restarted", `${run.restarts} times by itself`],
          run.ends_at
            ? [
                "Ends",
                <Group key="ends" gap="xs">
                  <EndsAt at={run.ends_at} />
                  <Button size="compact-xs" variant="default" loading={extend.isPending} onClick={() => extend.mutate(HOUR_S)}>
                    One hour more
                  </Button>
                </Group>,
              ]
            : run.lifetime_s && run.kind === "interactive"
              ? ["Ends", `${formatDuration(run.lifetime_s)} after it is ready`]
              : null,
          run.lifetime_max_s ? ["At most", `${formatDuration(run.lifetime_max_s)} at a time`] : null,
          ...settings.map(([name, value]): [string, string] => [name, settingToText(value)]),
          ["Id", <span key="id" className="mono">{run.id}</span>],
        ]}
      />
      <ProblemAlert error={extend.error} />
    </Section>
  );
}

/** For a desktop Jupyter or VS Code: an address that signs in once. */
export function RunAccess({ run }: { run: Run }) {
  const access = useRunAccess(run.id);
  if (run.word !== "Ready" || run.kind !== "interactive") return null;
  return (
    <Section title="Connect a program">
      <Stack gap="xs">
        <Text size="sm" c="dimmed">
          A desktop Jupyter or VS Code can use this server. A one-time address works once, within a minute.
        </Text>
        {access.data ? (
          <>
            <CopyLine text={access.data.ticket_url} label="Copy the one-time address" />
            <Text size="xs" c="dimmed">
              Expires <TimeAgo at={access.data.expires_at} />
            </Text>
          </>
        ) : (
          <Button size="xs" variant="default" loading={access.isPending} onClick={() => access.mutate()} style={{ alignSelf: "flex-start" }}>
            Make a one-time address
          </Button>
        )}
        <ProblemAlert error={access.error} />
      </Stack>
    </Section>
  );
}
