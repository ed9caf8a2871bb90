/** The end of one's account: what the hub knows, to take along, and the deletion, after its name was typed. */
import { Button, Group, Modal, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useLeave } from "@/api/entering";
import { faultOf } from "@/api/problem";
import type { Me } from "@/api/types";
import { ProblemAlert } from "@/components/problem-alert";
import { Section } from "@/components/section";

export function LeaveSection({ me }: { me: Me }) {
  const [opened, { open, close }] = useDisclosure(false);
  return (
    <Section title="Leaving">
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          Everything that the hub knows about you is in the archive. The files of your homes are on the page Files.
        </Text>
        <Group gap="xs">
          <Button component="a" href="/api/v1/me/export" download variant="default">
            Download my data
          </Button>
          <Button color="red" variant="light" onClick={open}>
            Delete my account
          </Button>
        </Group>
      </Stack>
      {opened && <Farewell name={me.account.name} onClose={close} />}
    </Section>
  );
}

function Farewell({ name, onClose }: { name: string; onClose: () => void }) {
  const leaving = useLeave();
  const client = useQueryClient();
  const [typed, setTyped] = useState("");
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const password = String(new FormData(event.currentTarget).get("password"));
    leaving.mutate(
      { confirm: typed, password },
      {
        onSuccess: () => {
          client.clear();
          globalThis.location.assign("/sign-in");
        },
      },
    );
  };
  const shown = faultOf(leaving.error, "password");
  return (
    <Modal opened onClose={onClose} title="Delete my account">
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm">
            Your runs and homes are deleted, your tokens and sessions end, your name is forgotten. Datasets that you registered stay. This cannot be undone.
          </Text>
          <TextInput label={`Type ${name} to confirm`} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} autoComplete="off" data-autofocus />
          <PasswordInput name="password" label="Password" description="Leave empty if you have none." autoComplete="current-password" error={shown} />
          {!shown && <ProblemAlert error={leaving.error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Keep
            </Button>
            <Button type="submit" color="red" disabled={typed !== name} loading={leaving.isPending}>
              Delete for good
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
