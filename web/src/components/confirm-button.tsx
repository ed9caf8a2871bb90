/** A button for what cannot be taken back: asks once, in words that say what will be gone. */
import { Button, type ButtonProps, Group, Modal, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { ReactNode } from "react";
import { ProblemAlert } from "./problem-alert";

interface ConfirmButtonProps extends Omit<ButtonProps, "children"> {
  label: string;
  question: string;
  children: ReactNode;
  /** the verb on the confirming button */
  confirm: string;
  onConfirm: () => Promise<unknown>;
  error?: unknown;
}

export function ConfirmButton({ label, question, children, confirm, onConfirm, error, ...button }: ConfirmButtonProps) {
  const [opened, { open, close }] = useDisclosure(false);
  const run = () => void onConfirm().then(close, () => undefined);
  return (
    <>
      <Button variant="default" onClick={open} {...button}>
        {label}
      </Button>
      <Modal opened={opened} onClose={close} title={question} size="md">
        <Stack>
          <Text size="sm" component="div">
            {children}
          </Text>
          <ProblemAlert error={error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close} data-autofocus>
              Keep
            </Button>
            <Button color="red" onClick={run} loading={button.loading}>
              {confirm}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
