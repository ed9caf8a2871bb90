/** Who asks to come in, and who was invited. */
import { Alert, Button, Group, Modal, NumberInput, Select, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconMail } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { invitationsQuery, useAdmission, useInvite, useTakeInvitationBack, waitingQuery } from "@/api/admission";
import { accountClassesQuery } from "@/api/classes";
import { waysQuery } from "@/api/entering";
import { groupsQuery } from "@/api/people";
import { faultOf } from "@/api/problem";
import { CopyLine } from "@/components/copy-line";
import { Panel, PanelRow } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { Section } from "@/components/section";
import { TimeAgo } from "@/components/time-ago";
import { plural } from "@/lib/format";
import { classChoices, STANDARD } from "./roles";

/** Those who wait for an approval; nothing while nobody does. */
export function ApprovalQueue() {
  const { data: waiting } = useQuery(waitingQuery);
  const deciding = useAdmission();
  if (!waiting || waiting.length === 0) return null;
  return (
    <Section title={`Waiting for approval (${waiting.length})`}>
      <Panel>
        {waiting.map((account) => (
          <PanelRow key={account.id} py={8}>
            <Group justify="space-between" gap="xs">
              <div>
                <Text fw={500}>{account.display_name || account.name}</Text>
                <Text size="xs" c="dimmed">
                  {[account.name, account.email && `${account.email} (${account.email_verified ? "confirmed" : "not confirmed"})`].filter(Boolean).join(" · ")} · asked{" "}
                  <TimeAgo at={account.created_at} />
                </Text>
              </div>
              <Group gap="xs">
                <Button size="compact-sm" variant="default" onClick={() => deciding.mutate({ id: account.id, admit: false })} aria-label={`Refuse ${account.name}`}>
                  Refuse
                </Button>
                <Button size="compact-sm" onClick={() => deciding.mutate({ id: account.id, admit: true })} aria-label={`Approve ${account.name}`}>
                  Approve
                </Button>
              </Group>
            </Group>
          </PanelRow>
        ))}
      </Panel>
      <ProblemAlert error={deciding.error} />
    </Section>
  );
}

/** Invitations that can still be used, and a way to make one; nothing where nobody registers. */
export function Invitations() {
  const { data: ways } = useQuery(waysQuery);
  const { data: invitations } = useQuery(invitationsQuery);
  const taking = useTakeInvitationBack();
  const [making, make] = useDisclosure(false);
  if (!ways || ways.registration === "closed") return null;
  const open = (invitations ?? []).filter((found) => found.uses_left > 0);
  return (
    <Section
      title="Invitations"
      aside={
        <Button size="compact-sm" variant="default" leftSection={<IconMail size={15} aria-hidden />} onClick={make.open}>
          Invite somebody
        </Button>
      }
    >
      {open.length === 0 ? (
        <Text size="sm" c="dimmed">
          None is open. An invitation is a link that lets somebody register without asking.
        </Text>
      ) : (
        <Panel>
          {open.map((found) => (
            <PanelRow key={found.id} py={8}>
              <Group justify="space-between" gap="xs">
                <Text size="sm">
                  {found.email ?? plural(found.uses_left, "use")} left{found.note && ` · ${found.note}`} · ends <TimeAgo at={found.expires_at} />
                </Text>
                <Button size="compact-xs" variant="default" onClick={() => taking.mutate(found.id)}>
                  Revoke
                </Button>
              </Group>
            </PanelRow>
          ))}
        </Panel>
      )}
      <ProblemAlert error={taking.error} />
      {making && <InvitePerson onClose={make.close} mail={ways.mail} />}
    </Section>
  );
}

function InvitePerson({ onClose, mail }: { onClose: () => void; mail: boolean }) {
  const inviting = useInvite();
  const { data: groups } = useQuery(groupsQuery);
  const { data: known } = useQuery(accountClassesQuery);
  const [accountClass, setAccountClass] = useState(STANDARD);
  const [group, setGroup] = useState<string | null>(null);
  const [uses, setUses] = useState<number | string>(1);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const said = (name: string) => String(form.get(name) ?? "").trim();
    inviting.mutate({ email: said("email") || null, note: said("note"), group, uses: Number(uses) || 1, account_class: accountClass });
  };
  const made = inviting.data;
  return (
    <Modal opened onClose={onClose} title="Invite somebody">
      {made ? (
        <Alert color="accent" title={made.sent ? "It is on its way by mail" : "Copy it now: the link is not shown again"}>
          <CopyLine text={made.url} label="Copy the invitation" wrap />
          <Text size="xs" c="dimmed" mt={4}>
            Ends <TimeAgo at={made.invitation.expires_at} />
          </Text>
        </Alert>
      ) : (
        <form onSubmit={submit}>
          <Stack>
            <TextInput
              name="email"
              type="email"
              label="E-mail"
              description={mail ? "It is mailed there, and only this address may use it. Empty: whoever has the link." : "Only this address may use it. Empty: whoever has the link."}
              error={faultOf(inviting.error, "email")}
            />
            <NumberInput label="How many may use it" min={1} max={10_000} value={uses} onChange={setUses} allowDecimal={false} error={faultOf(inviting.error, "uses")} />
            <Select label="They join the group" placeholder="none" clearable data={(groups ?? []).map((found) => ({ value: found.id, label: found.name }))} value={group} onChange={setGroup} />
            {known && known.length > 0 && (
              <Select label="Account class" data={classChoices(known)} value={accountClass} onChange={(value) => value && setAccountClass(value)} allowDeselect={false} />
            )}
            <TextInput name="note" label="Note" placeholder="Lidar course, autumn" />
            <ProblemAlert error={inviting.error} />
            <Group justify="flex-end">
              <Button type="submit" loading={inviting.isPending}>
                Make the invitation
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}
