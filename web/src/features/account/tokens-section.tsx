/** API tokens: what programs sign in with. A secret is shown once, when it is made. */
import { Alert, Badge, Button, Checkbox, Group, Modal, Select, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconKey, IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { tokensQuery, useIssueToken, useRevokeToken } from "@/api/session";
import type { Me, Scope, Token } from "@/api/types";
import { ConfirmButton } from "@/components/confirm-button";
import { CopyLine } from "@/components/copy-line";
import { Panel, PanelRow } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { Section } from "@/components/section";
import { TimeAgo } from "@/components/time-ago";

const SCOPE_WORDS: Record<Scope, string> = {
  read: "look at everything I see",
  run: "launch and steer runs",
  publish: "register datasets, publish tools",
  admin: "what an administrator may",
};

export function TokensSection({ me }: { me: Me }) {
  const { data: tokens } = useQuery(tokensQuery);
  const [making, make] = useDisclosure(false);
  return (
    <Section
      title="Tokens"
      aside={
        <Button size="xs" variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={make.open}>
          New token
        </Button>
      }
    >
      <Panel>
        {tokens?.map((token) => (
          <PanelRow key={token.id}>
            <TokenLine token={token} />
          </PanelRow>
        ))}
        {tokens?.length === 0 && (
          <PanelRow>
            <Text size="sm" c="dimmed">
              None. The command <code className="mono">alongside login</code> makes one for a terminal; scripts and programs use one as{" "}
              <code className="mono">Authorization: Bearer …</code>
            </Text>
          </PanelRow>
        )}
      </Panel>
      {making && <NewToken me={me} onClose={make.close} />}
    </Section>
  );
}

function TokenLine({ token }: { token: Token }) {
  const revoking = useRevokeToken();
  return (
    <Group justify="space-between" gap="xs">
      <div>
        <Group gap={8}>
          <Text fw={500}>{token.name}</Text>
          {token.scopes.map((scope) => (
            <Badge key={scope} color="gray">
              {scope}
            </Badge>
          ))}
        </Group>
        <Text size="xs" c="dimmed">
          expires <TimeAgo at={token.expires_at} /> · last used <TimeAgo at={token.last_used_at} />
        </Text>
      </div>
      <ConfirmButton
        size="xs"
        label="Revoke"
        confirm="Revoke"
        question={`Revoke the token “${token.name}”?`}
        error={revoking.error}
        loading={revoking.isPending}
        onConfirm={() => revoking.mutateAsync(token.id)}
      >
        Programs that use it are signed out at once.
      </ConfirmButton>
    </Group>
  );
}

function NewToken({ me, onClose }: { me: Me; onClose: () => void }) {
  const issuing = useIssueToken();
  const [scopes, setScopes] = useState<Scope[]>(["read", "run"].filter((scope) => me.scopes.includes(scope as Scope)) as Scope[]);
  const [days, setDays] = useState("90");
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get("name")).trim();
    issuing.mutate({ name, scopes, days: Number(days) });
  };
  return (
    <Modal opened onClose={onClose} title="New token" closeOnClickOutside={!issuing.data}>
      {issuing.data ? (
        <Stack>
          <Alert color="accent" icon={<IconKey size={18} aria-hidden />} title="Copy it now: it is not shown again">
            <CopyLine text={issuing.data.secret} label="Copy the token" />
          </Alert>
          <Group justify="flex-end">
            <Button onClick={onClose}>Done</Button>
          </Group>
        </Stack>
      ) : (
        <form onSubmit={submit}>
          <Stack>
            <TextInput name="name" label="Name" placeholder="laptop" description="So that you know it again when you want to revoke it." required withAsterisk={false} data-autofocus />
            <Checkbox.Group label="It may" value={scopes} onChange={(value) => setScopes(value as Scope[])}>
              <Stack gap={6} mt={6}>
                {me.scopes.map((scope) => (
                  <Checkbox key={scope} value={scope} label={`${scope}: ${SCOPE_WORDS[scope]}`} />
                ))}
              </Stack>
            </Checkbox.Group>
            <Select
              label="Expires after"
              data={[
                { value: "7", label: "7 days" },
                { value: "30", label: "30 days" },
                { value: "90", label: "90 days" },
                { value: "365", label: "1 year" },
              ]}
              value={days}
              onChange={(value) => value && setDays(value)}
              allowDeselect={false}
            />
            <ProblemAlert error={issuing.error} />
            <Group justify="flex-end" gap="xs">
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button type="submit" loading={issuing.isPending} disabled={scopes.length === 0}>
                Make the token
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}
