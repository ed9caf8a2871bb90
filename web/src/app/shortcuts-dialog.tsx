/** All keyboard shortcuts on one card. */
import { Group, Modal, Stack, Text } from "@mantine/core";
import { Fragment } from "react";
import { SHORTCUTS } from "./use-shortcuts";

export function ShortcutsDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="Keyboard shortcuts" size="sm">
      <Stack gap={8}>
        {SHORTCUTS.map(({ keys, does }) => (
          <Group key={does} justify="space-between" wrap="nowrap">
            <Text size="sm">{does}</Text>
            <Group gap={4} wrap="nowrap">
              {keys.map((key, index) => (
                <Fragment key={key}>
                  {index > 0 && (
                    <Text size="xs" c="dimmed">
                      then
                    </Text>
                  )}
                  <kbd>{key}</kbd>
                </Fragment>
              ))}
            </Group>
          </Group>
        ))}
      </Stack>
    </Modal>
  );
}
