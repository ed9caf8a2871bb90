/** Acts on all of a class at once. */
import { Button, Group, Menu, Modal, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { IconChevronDown } from "@tabler/icons-react";
import type { FormEvent } from "react";
import { useActOnClass } from "@/api/classroom";
import type { ClassActRequest, ClassOutcome } from "@/api/types";
import { ConfirmButton } from "@/components/confirm-button";
import { ProblemAlert } from "@/components/problem-alert";
import { plural } from "@/lib/format";

interface ClassActsProps {
  id: string;
  name: string;
  tool: string | null;
  counts: Record<string, number>;
}

export function ClassActs({ id, name, tool, counts }: ClassActsProps) {
  const acting = useActOnClass(id);
  const [writing, { open, close }] = useDisclosure(false);
  const count = (...standings: string[]) => standings.reduce((sum, standing) => sum + (counts[standing] ?? 0), 0);
  const up = count("waiting", "starting", "stuck", "ready", "running");
  const act = (given: Omit<ClassActRequest, "tool">, done: string) =>
    acting.mutateAsync({ ...given, tool }).then((outcome) => {
      notifications.show({ message: told(outcome, done) });
    });
  const extend = (seconds: number) => void act({ kind: "extend", seconds }, "extended").catch(() => undefined);
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    void act({ kind: "message", title: String(form.get("title")), text: String(form.get("text")) }, "told").then(close, () => undefined);
  };
  return (
    <>
      <Group gap="xs">
        <Button variant="default" onClick={open}>
          Message all
        </Button>
        <Menu>
          <Menu.Target>
            <Button variant="default" rightSection={<IconChevronDown size={14} aria-hidden />} disabled={count("ready") === 0}>
              Extend all
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => extend(3600)}>By an hour</Menu.Item>
            <Menu.Item onClick={() => extend(4 * 3600)}>By 4 hours</Menu.Item>
          </Menu.Dropdown>
        </Menu>
        <Button variant="default" disabled={count("failed") === 0} onClick={() => void act({ kind: "retry" }, "started again").catch(() => undefined)}>
          Retry what failed
        </Button>
        <ConfirmButton
          label="Stop all"
          confirm={`Stop ${plural(up, "run")}`}
          question={`Stop the runs of everybody in ${name}?`}
          disabled={up === 0}
          loading={acting.isPending}
          error={acting.error}
          onConfirm={() => act({ kind: "stop" }, "stopped")}
        >
          Files in their homes are kept; each can be started again by its owner.
        </ConfirmButton>
      </Group>
      {!writing && <ProblemAlert error={acting.error} />}
      <Modal opened={writing} onClose={close} title={`A message to everybody in ${name}`}>
        <form onSubmit={send}>
          <Stack gap="sm">
            <TextInput name="title" label="Title" required withAsterisk={false} maxLength={200} data-autofocus />
            <Textarea name="text" label="Text" autosize minRows={3} maxLength={4000} />
            <Text size="xs" c="dimmed">
              It is in everybody's inbox, and leaves by mail for those who chose that.
            </Text>
            <ProblemAlert error={acting.error} />
            <Group justify="flex-end">
              <Button type="submit" loading={acting.isPending}>
                Send
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}

function told(outcome: ClassOutcome, done: string): string {
  const failed = outcome.outcomes.filter((item) => !item.ok);
  const first = failed[0];
  if (!first) return `${plural(outcome.done, "person", "people")}: ${done}.`;
  const others = failed.length > 1 ? ` (and ${failed.length - 1} more)` : "";
  return `${plural(outcome.done, "person", "people")}: ${done}. Not for ${first.name}${others}: ${first.reason}`;
}
