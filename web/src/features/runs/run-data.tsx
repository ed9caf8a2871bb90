/** The datasets that a run sees, how it got each (mounted or copied), and attaching more while it runs. */
import { ActionIcon, Alert, Badge, Box, Button, Group, Stack, Text, Tooltip } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconPlus, IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { runActionsQuery, useDetach } from "@/api/runs";
import type { Action, AttachedDataset, Run } from "@/api/types";
import { Panel, PanelRow } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { Section } from "@/components/section";
import { TimeAgo } from "@/components/time-ago";
import { AttachDialog } from "./attach-dialog";
import { verbsOf } from "./run-verbs";

export function RunData({ run }: { run: Run }) {
  const [attaching, attach] = useDisclosure(false);
  const { attach: mayAttach } = verbsOf(run);
  const detach = useDetach(run.id);
  const { data: actions } = useQuery(runActionsQuery(run.id));
  const failed = latestRefusal(actions ?? []);
  return (
    <Section
      title="Data"
      aside={
        mayAttach && (
          <Button size="xs" variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={attach.open}>
            Attach data
          </Button>
        )
      }
    >
      <Stack gap="xs">
        <Panel>
          <div role="list" aria-label="Datasets of this run">
            {run.datasets.map((used) => (
              <PanelRow key={used.name} py={9}>
                <Group role="listitem" wrap="nowrap" justify="space-between" gap="xs" align="flex-start">
                  <Line used={used} run={run} />
                  {mayAttach && (
                    <Tooltip label="Detach from this run">
                      <ActionIcon
                        variant="subtle"
                        color="gray"
                        size="sm"
                        disabled={detach.isPending || used.status === "detaching"}
                        aria-label={`Detach ${used.title}`}
                        onClick={() => detach.mutate(used.name)}
                      >
                        <IconX size={15} />
                      </ActionIcon>
                    </Tooltip>
                  )}
                </Group>
              </PanelRow>
            ))}
            {run.datasets.length === 0 && (
              <PanelRow>
                <Text size="sm" c="dimmed">
                  {mayAttach ? "No data yet. Attach some: it appears in the running tool, without a restart." : "No data."}
                </Text>
              </PanelRow>
            )}
          </div>
        </Panel>
        <ProblemAlert error={detach.error} />
        {failed && (
          <Alert color="red" title={failed.kind === "attach" ? "Could not attach" : "Could not detach"}>
            <Text size="sm">
              {failed.reason} <TimeAgo at={failed.updated_at} />
            </Text>
          </Alert>
        )}
      </Stack>
      {attaching && <AttachDialog run={run} onClose={attach.close} />}
    </Section>
  );
}

function Line({ used, run }: { used: AttachedDataset; run: Run }) {
  const { text, color, busy } = sayMode(used);
  const isOver = run.word === "Ended" || run.word === "Failed";
  return (
    <Box style={{ minWidth: 0 }}>
      <Group gap={8}>
        <Link to={`/datasets/${used.dataset}`} className="plain">
          <Text size="sm" fw={500} span>
            {used.title}
          </Text>
        </Link>
        {(used.status || !isOver) && (
          <Badge color={color} variant={busy ? "outline" : "light"} aria-live="polite">
            {text}
          </Badge>
        )}
      </Group>
      <Text size="xs" c="dimmed" className="mono">
        {run.kind === "interactive" ? `~/data/${used.name}` : used.name}
      </Text>
      {used.detail && (
        <Text size="xs" c={used.status === "failed" ? "red" : "dimmed"} mt={2}>
          {used.detail}
        </Text>
      )}
    </Box>
  );
}

function sayMode(used: AttachedDataset): { text: string; color: string; busy: boolean } {
  switch (used.status) {
    case "mounted":
      return { text: "mounted, read-only", color: "accent", busy: false };
    case "copied":
      return { text: "copied, writable", color: "accent", busy: false };
    case "attaching":
      return { text: used.mode === "copy" ? "copying…" : "attaching…", color: "yellow", busy: true };
    case "detaching":
      return { text: "detaching…", color: "yellow", busy: true };
    case "failed":
      return { text: "failed", color: "red", busy: false };
    default:
      return { text: used.mode === "copy" ? "will be copied" : "will be mounted", color: "gray", busy: false };
  }
}

/** The newest attach or detach, if it was refused; an older refusal that a later one mended is past. */
function latestRefusal(actions: readonly Action[]): Action | undefined {
  const latest = actions.filter((action) => action.kind === "attach" || action.kind === "detach").sort((a, b) => b.created_at.localeCompare(a.created_at))[0];
  return latest && ["executor_error", "system_error", "canceled"].includes(latest.state) ? latest : undefined;
}
