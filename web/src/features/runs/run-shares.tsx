/** With whom a run is shared and who is in it now; each can be shut out alone. */
import { Badge, Button, Group, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconKey, IconShare, IconUser, IconUsersGroup } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { presenceQuery, sharesQuery, useRevoke } from "@/api/shares";
import type { Run, Share } from "@/api/types";
import { Panel, PanelRow } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { Section } from "@/components/section";
import { TimeAgo } from "@/components/time-ago";
import { EndsAt } from "./run-ends";
import { ShareDialog } from "./share-dialog";

const ICONS = { person: IconUser, group: IconUsersGroup, code: IconKey };

export function RunShares({ run }: { run: Run }) {
  const [opened, { open, close }] = useDisclosure(false);
  const { data: shares, error } = useQuery(sharesQuery(run.id));
  if (run.kind !== "interactive") return null;
  return (
    <Section
      title="Shared with"
      aside={
        <Button size="compact-sm" variant="default" leftSection={<IconShare size={14} aria-hidden />} onClick={open}>
          Share
        </Button>
      }
    >
      <Stack gap="xs">
        <ProblemAlert error={error} />
        {shares?.length === 0 && (
          <Text size="sm" c="dimmed">
            Nobody: you alone can open it.
          </Text>
        )}
        {shares && shares.length > 0 && (
          <Panel>
            {shares.map((share) => (
              <ShareRow key={share.id} run={run} share={share} />
            ))}
          </Panel>
        )}
        {run.word === "Ready" && <WhoIsIn run={run} />}
      </Stack>
      {opened && <ShareDialog run={run} onClose={close} />}
    </Section>
  );
}

function ShareRow({ run, share }: { run: Run; share: Share }) {
  const revoke = useRevoke(run.id);
  const Icon = ICONS[share.kind];
  const name = share.kind === "code" ? "Whoever has the code" : share.name;
  return (
    <PanelRow>
      <Group wrap="nowrap" gap="sm" align="flex-start">
        <Icon size={16} aria-hidden style={{ marginTop: 3 }} />
        <div style={{ flex: 1, minWidth: 0 }}>
          <Text size="sm" fw={500} truncate>
            {name}
          </Text>
          <Text size="xs" c="dimmed">
            {share.kind === "group" && "group · "}
            since <TimeAgo at={share.created_at} />
            {share.expires_at && (
              <>
                {" · ends "}
                <EndsAt at={share.expires_at} />
              </>
            )}
          </Text>
          {share.members.map((member) => (
            <Group key={member.account} gap="xs" mt={4}>
              <Text size="sm" td={member.removed_at ? "line-through" : undefined}>
                {member.name}
              </Text>
              {member.removed_at ? (
                <Text size="xs" c="dimmed">
                  shut out
                </Text>
              ) : (
                <Button
                  size="compact-xs"
                  variant="subtle"
                  color="red"
                  aria-label={`Shut out ${member.name}`}
                  loading={revoke.isPending}
                  onClick={() => revoke.mutate({ share_id: share.id, account_id: member.account })}
                >
                  Shut out
                </Button>
              )}
            </Group>
          ))}
        </div>
        <Button
          size="compact-sm"
          variant="default"
          aria-label={`Revoke: ${name}`}
          loading={revoke.isPending}
          onClick={() => revoke.mutate({ share_id: share.id })}
        >
          Revoke
        </Button>
      </Group>
      <ProblemAlert error={revoke.error} />
    </PanelRow>
  );
}

function WhoIsIn({ run }: { run: Run }) {
  const { data: people } = useQuery(presenceQuery(run.id));
  if (!people || people.length === 0) return null;
  return (
    <Group gap="xs" role="status" aria-label="Who is in">
      {people.map((person) => (
        <Badge key={person.account} variant={person.left_at ? "outline" : "light"} color={person.left_at ? "gray" : "accent"} tt="none" fw={500}>
          {person.name} {person.left_at ? <>left <TimeAgo at={person.left_at} /></> : "is in"}
        </Badge>
      ))}
    </Group>
  );
}
