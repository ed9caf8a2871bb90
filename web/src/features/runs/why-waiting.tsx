/** Why a run waits: which runner refused it, with what reason, and how many are ahead. */
import { Alert, Group, List, Text } from "@mantine/core";
import { IconHelpCircle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { runExplanationQuery } from "@/api/runs";
import { sitesQuery } from "@/api/sites";
import type { Run } from "@/api/types";
import { withoutSite } from "@/lib/format";

export function WhyWaiting({ run }: { run: Run }) {
  const { data } = useQuery(runExplanationQuery(run.id));
  const { data: sites } = useQuery(sitesQuery);
  if (!data) return null;
  const nameOf = (id: string) => sites?.flatMap((site) => site.runners).find((runner) => runner.id === id)?.name ?? id;
  const ahead = data.position && data.position > 1 ? data.line : null;
  // Nothing refuses it and nobody is ahead: it is about to start, which needs no explanation.
  if (data.refusals.length === 0 && !ahead) return null;
  return (
    <Alert color="yellow" icon={<IconHelpCircle size={18} aria-hidden />} title="Why it waits">
      <Group gap="xs" mb={data.refusals.length > 0 ? 4 : 0}>
        <Text size="sm">{[data.rule || run.reason, ahead].filter(Boolean).join(" · ")}</Text>
      </Group>
      <List size="sm" spacing={2}>
        {data.refusals.map((refusal) => (
          <List.Item key={`${refusal.site} ${refusal.runner}`}>
            <b>{refusal.site}</b>
            {refusal.runner && ` (${nameOf(refusal.runner)})`}: {withoutSite(refusal.reason, refusal.site)}
            {refusal.never && " (it never can)"}
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}
