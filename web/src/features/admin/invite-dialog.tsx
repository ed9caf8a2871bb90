/** Invites runners to a site: a registration token, and the command that uses it there. */
import { Alert, Button, Group, Modal, Select, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { invitationsQuery, statusQuery, useInviteRunner, useRevokeInvitation } from "@/api/sites";
import type { Site } from "@/api/types";
import { CopyLine } from "@/components/copy-line";
import { Panel, PanelRow } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { TimeAgo } from "@/components/time-ago";

export function InviteDialog({ site, onClose }: { site: Site; onClose: () => void }) {
  const { data: status } = useQuery(statusQuery);
  const { data: invitations } = useQuery(invitationsQuery(site.name));
  const inviting = useInviteRunner(site.name);
  const revoking = useRevokeInvitation(site.name);
  const [days, setDays] = useState("7");
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    inviting.mutate({ name: String(new FormData(event.currentTarget).get("name")).trim() || undefined, days: Number(days) });
  };
  const hub = status?.hub_url ?? globalThis.location.origin;
  return (
    <Modal opened onClose={onClose} title={`Invite a runner to ${site.title || site.name}`} size="lg">
      <Stack>
        {inviting.data ? (
          <Alert color="accent" title="Copy it now: the token is not shown again">
            <Stack gap="xs">
              <Text size="sm">Start this at the site. The runner dials out to the hub; nothing has to be opened inwards.</Text>
              <CopyLine
                wrap
                text={`ALONGSIDE_RUNNER_HUB_URL=${hub} ALONGSIDE_RUNNER_REGISTRATION_TOKEN=${inviting.data.secret} alongside serve runner`}
                label="Copy the command"
                prompt="$"
              />
              <Text size="xs" c="dimmed">
                The token expires <TimeAgo at={inviting.data.expires_at} />; a runner that joined stays.
              </Text>
            </Stack>
          </Alert>
        ) : (
          <form onSubmit={submit}>
            <Group align="flex-end" gap="xs">
              <TextInput name="name" label="For" placeholder="login node 2" style={{ flex: 1 }} data-autofocus />
              <Select
                label="Valid for"
                w={120}
                data={[
                  { value: "1", label: "1 day" },
                  { value: "7", label: "7 days" },
                  { value: "30", label: "30 days" },
                ]}
                value={days}
                onChange={(value) => value && setDays(value)}
                allowDeselect={false}
              />
              <Button type="submit" loading={inviting.isPending}>
                Make an invitation
              </Button>
            </Group>
          </form>
        )}
        <ProblemAlert error={inviting.error ?? revoking.error} />
        {invitations && invitations.length > 0 && (
          <Panel>
            {invitations.map((invitation) => (
              <PanelRow key={invitation.id} py={8}>
                <Group justify="space-between">
                  <Text size="sm">
                    {invitation.name || "invitation"} · expires <TimeAgo at={invitation.expires_at} />
                  </Text>
                  <Button size="compact-xs" variant="default" onClick={() => revoking.mutate(invitation.id)}>
                    Revoke
                  </Button>
                </Group>
              </PanelRow>
            ))}
          </Panel>
        )}
      </Stack>
    </Modal>
  );
}
