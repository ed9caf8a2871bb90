/** Says whose eyes the page is seen with: a guest's, whose time ends, or somebody's whom an administrator looks as. */
import { Alert, Button, Group, Modal, Stack, Text } from "@mantine/core";
import { IconEye, IconHourglass } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { returnLinkQuery, useEndLook } from "@/api/entering";
import type { Me } from "@/api/types";
import { CopyIcon, CopyLine } from "@/components/copy-line";
import { ProblemAlert } from "@/components/problem-alert";

export function WhoseBar({ me }: { me: Me }) {
  if (me.looker) return <LookBar me={me} />;
  return me.account.guest ? <GuestBar me={me} /> : null;
}

function LookBar({ me }: { me: Me }) {
  const client = useQueryClient();
  const ending = useEndLook();
  const end = () =>
    ending.mutate(undefined, {
      onSuccess: () => {
        client.clear();
        globalThis.location.assign("/admin/people");
      },
    });
  return (
    <Alert color="yellow" mb="md" icon={<IconEye size={18} aria-hidden />} title={`You look as ${me.account.display_name || me.account.name}`} role="status">
      <Group justify="space-between" gap="xs">
        <Text size="sm">You see what they see and change nothing. It is written down that you looked.</Text>
        <Button size="compact-sm" variant="default" onClick={end} loading={ending.isPending}>
          Be {me.looker} again
        </Button>
      </Group>
      <ProblemAlert error={ending.error} />
    </Alert>
  );
}

const shownKey = (id: string) => `alongside.return-shown.${id}`;

function GuestBar({ me }: { me: Me }) {
  const { data: link } = useQuery(returnLinkQuery);
  const [seen, setSeen] = useState(() => localStorage.getItem(shownKey(me.account.id)) !== null);
  if (!link) return null;
  const until = new Date(link.expires_at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  const close = () => {
    localStorage.setItem(shownKey(me.account.id), "1");
    setSeen(true);
  };
  return (
    <>
      <Alert color="accent" mb="md" icon={<IconHourglass size={18} aria-hidden />} title="You are a guest" role="status">
        <Group gap={6} wrap="nowrap">
          <Text size="sm">Your work is kept until {until}. The return link brings you back from any browser.</Text>
          <CopyIcon text={link.url} label="Copy the return link" />
        </Group>
      </Alert>
      <Modal opened={!seen && me.quota.running.used > 0} onClose={close} title="Keep the way back">
        <Stack>
          <Text size="sm">
            This browser finds your work again by itself. From another one, or if its cookies are gone, only this link does. Whoever has it is you.
          </Text>
          <CopyLine text={link.url} label="Copy the return link" wrap />
          <Button onClick={close}>I have it</Button>
        </Stack>
      </Modal>
    </>
  );
}
