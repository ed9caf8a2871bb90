/** Someone who launches again mostly wants back to what they have: offers it before anything new. */
import { Alert, Group, Text } from "@mantine/core";
import { IconArrowBackUp } from "@tabler/icons-react";
import type { Run } from "@/api/types";
import { TimeAgo } from "@/components/time-ago";
import { WordBadge } from "@/components/word-badge";
import { ReturnButtons } from "./return-buttons";

export function MatchNote({ match, onLeave }: { match: Run; onLeave?: () => void }) {
  return (
    <Alert variant="light" color="accent" icon={<IconArrowBackUp size={18} aria-hidden />} title={match.word === "Failed" ? "One like this failed" : "You already have this: return to it"}>
      <Group justify="space-between" gap="sm">
        <Text size="sm" component="div">
          <Group gap={8}>
            <WordBadge run={match} />
            <span>
              {match.title || match.tool}, from <TimeAgo at={match.created_at} />
            </span>
          </Group>
        </Text>
        <ReturnButtons match={match} onLeave={onLeave} />
      </Group>
    </Alert>
  );
}
