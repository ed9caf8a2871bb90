/** By which ways a person hears of what, and webhooks. */
import { Button, Checkbox, Group, Stack, Switch, Table, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useEffect, useRef } from "react";
import { useLocation } from "react-router";
import { noticeSettingsQuery, useAddWebhook, useNoticeSetting, useRemoveWebhook, useSwitchWebhook, useTryWebhook, webhooksQuery } from "@/api/notices";
import { faultOf } from "@/api/problem";
import type { NoticeKind, Webhook } from "@/api/types";
import { CopyLine } from "@/components/copy-line";
import { Panel, PanelRow } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { RowSkeletons } from "@/components/row-skeletons";
import { Section } from "@/components/section";

const KINDS: Record<NoticeKind, string> = {
  ready: "Ready, where it took a while",
  failed: "Failed",
  ending_soon: "Ending soon",
  idle: "About to be paused, as nothing happens in it",
  quota: "Quota nearly full",
  budget: "Budgets",
  approval: "Somebody waits for approval",
  share: "Shared with you",
  maintenance: "Maintenance",
  message: "Messages of those who look after your groups",
};

export function NoticesSection() {
  const { data, error, refetch } = useQuery(noticeSettingsQuery);
  const changing = useNoticeSetting();
  const here = useRef<HTMLDivElement>(null);
  const { hash } = useLocation();
  useEffect(() => {
    if (data && hash === "#notices") here.current?.scrollIntoView();
  }, [data, hash]);
  return (
    <div ref={here} id="notices">
      <Section title="Notices">
        <ProblemAlert error={error ?? changing.error} retry={() => void refetch()} />
        {!data && !error && <RowSkeletons label="Loading the wishes" />}
        {data && (
          <Stack gap="xs">
            <Panel scroll>
              <Table verticalSpacing={6}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>What</Table.Th>
                    <Table.Th>Mail</Table.Th>
                    <Table.Th>Webhook</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {data.settings.map((setting) => (
                    <Table.Tr key={setting.kind}>
                      <Table.Td>{KINDS[setting.kind]}</Table.Td>
                      {(["mail", "webhook"] as const).map((way) => (
                        <Table.Td key={way}>
                          <Checkbox
                            aria-label={`${KINDS[setting.kind]}: ${way}`}
                            checked={setting[way]}
                            disabled={way === "mail" && !data.mail}
                            onChange={(event) => changing.mutate({ ...setting, [way]: event.currentTarget.checked })}
                          />
                        </Table.Td>
                      ))}
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Panel>
            <Text size="xs" c="dimmed">
              Everything is in your inbox too. {mailNote(data.mail, data.address)}
            </Text>
          </Stack>
        )}
        <Webhooks />
      </Section>
    </div>
  );
}

function mailNote(mail: boolean, address: string | null): string {
  if (!mail) return "This installation sends no mail.";
  return address ? `Mail goes to ${address}.` : "Mail needs an e-mail address in your profile that you have confirmed.";
}

function Webhooks() {
  const { data, error } = useQuery(webhooksQuery);
  const adding = useAddWebhook();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    adding.mutate(String(new FormData(form).get("url")).trim(), { onSuccess: () => form.reset() });
  };
  return (
    <Stack gap="xs" mt="md">
      <ProblemAlert error={error} />
      {data && data.length > 0 && (
        <Panel>
          {data.map((hook) => (
            <PanelRow key={hook.id}>
              <WebhookRow hook={hook} />
            </PanelRow>
          ))}
        </Panel>
      )}
      {adding.data && (
        <Stack gap={4}>
          <Text size="sm">Its calls are signed with this secret, which is shown once:</Text>
          <CopyLine text={adding.data.secret} label="Copy the secret" />
        </Stack>
      )}
      <form onSubmit={submit}>
        <Group align="flex-end" gap="xs">
          <TextInput
            name="url"
            label="New webhook"
            placeholder="https://chat.example.org/hooks/…"
            required
            withAsterisk={false}
            style={{ flex: "1 1 14rem" }}
            error={faultOf(adding.error, "url")}
          />
          <Button type="submit" variant="default" loading={adding.isPending}>
            Add
          </Button>
        </Group>
      </form>
      <ProblemAlert error={adding.error} />
    </Stack>
  );
}

function WebhookRow({ hook }: { hook: Webhook }) {
  const switching = useSwitchWebhook();
  const trying = useTryWebhook();
  const removing = useRemoveWebhook();
  const sent = () => notifications.show({ message: "A test notice is on its way." });
  return (
    <Stack gap={4}>
      <Group justify="space-between" gap="xs">
        <Text size="sm" style={{ overflowWrap: "anywhere", flex: "1 1 12rem" }}>
          {hook.url}
        </Text>
        <Group gap="xs">
          <Switch
            aria-label={`Call ${hook.url}`}
            checked={hook.active}
            onChange={(event) => switching.mutate({ id: hook.id, active: event.currentTarget.checked })}
          />
          <Button variant="default" size="xs" onClick={() => trying.mutate(hook.id, { onSuccess: sent })} loading={trying.isPending}>
            Test
          </Button>
          <Button variant="subtle" color="red" size="xs" onClick={() => removing.mutate(hook.id)} loading={removing.isPending}>
            Remove
          </Button>
        </Group>
      </Group>
      {hook.fault && (
        <Text size="xs" c="red">
          The last call failed: {hook.fault}
        </Text>
      )}
      <ProblemAlert error={switching.error ?? trying.error ?? removing.error} />
    </Stack>
  );
}
