/** A run in one line: its word, what it is, since when. */
import { Anchor, Group, Text } from "@mantine/core";
import { Link } from "react-router";
import type { Run } from "@/api/types";
import { TimeAgo } from "./time-ago";
import { WordBadge } from "./word-badge";

export function RunLine({ run }: { run: Run }) {
  return (
    <Group justify="space-between" gap="xs">
      <Group gap="md">
        <Text size="sm" w={82} span>
          <WordBadge run={run} />
        </Text>
        <Anchor component={Link} to={`/runs/${run.id}`} c="inherit" fw={500}>
          {run.title || run.tool}
        </Anchor>
      </Group>
      <Text size="sm" c="dimmed">
        {run.site && `${run.site} · `}
        <TimeAgo at={run.created_at} />
      </Text>
    </Group>
  );
}
