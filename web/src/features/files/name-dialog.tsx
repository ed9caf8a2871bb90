/** Asks for one name or path and acts on it. */
import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { type FormEvent } from "react";
import { ProblemAlert } from "@/components/problem-alert";

interface NameDialogProps {
  title: string;
  label: string;
  verb: string;
  given: string;
  act: { error: unknown; isPending: boolean };
  onGiven: (text: string) => Promise<unknown>;
  onClose: () => void;
}

export function NameDialog({ title, label, verb, given, act, onGiven, onClose }: NameDialogProps) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget).get("text")).trim();
    if (text) void onGiven(text).then(onClose, () => undefined);
  };
  return (
    <Modal opened onClose={onClose} title={title}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput name="text" label={label} defaultValue={given} required withAsterisk={false} data-autofocus />
          <ProblemAlert error={act.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={act.isPending}>
              {verb}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
