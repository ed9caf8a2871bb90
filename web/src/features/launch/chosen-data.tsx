/** The datasets of a launch: what they are, how large, and a field to add another. */
import { ActionIcon, Box, Button, Group, Stack, Text } from "@mantine/core";
import { IconDatabase, IconPlus, IconX } from "@tabler/icons-react";
import { useState } from "react";
import type { Preview } from "@/api/types";
import { DatasetPicker } from "@/components/dataset-picker";
import { Panel, PanelRow } from "@/components/panel";
import { formatBytes } from "@/lib/format";

interface ChosenDataProps {
  identifiers: readonly string[];
  preview: Preview | undefined;
  /** tasks read what they are given at the start; nothing can be attached later */
  isTask?: boolean;
  onChange: (identifiers: string[]) => void;
}

export function ChosenData({ identifiers, preview, isTask, onChange }: ChosenDataProps) {
  const [adding, setAdding] = useState(false);
  return (
    <Box>
      <Group justify="space-between" mb={4} mih={26}>
        <Text size="sm" fw={500}>
          Data
        </Text>
        {!adding && (
          <Button variant="subtle" size="compact-xs" leftSection={<IconPlus size={13} aria-hidden />} onClick={() => setAdding(true)}>
            Add data
          </Button>
        )}
      </Group>
      <Stack gap={8}>
        {identifiers.length > 0 && (
          <Panel>
            {identifiers.map((identifier, index) => (
              <PanelRow key={identifier} py={8} px={12}>
                <Group wrap="nowrap" gap="sm">
                  <IconDatabase size={16} aria-hidden opacity={0.6} />
                  <ChosenLine identifier={identifier} known={preview?.datasets[index]} />
                  <ActionIcon
                    variant="subtle"
                    color="gray"
                    size="sm"
                    aria-label={`Remove ${preview?.datasets[index]?.title ?? identifier}`}
                    onClick={() => onChange(identifiers.filter((other) => other !== identifier))}
                  >
                    <IconX size={15} />
                  </ActionIcon>
                </Group>
              </PanelRow>
            ))}
          </Panel>
        )}
        {identifiers.length === 0 && !adding && (
          <Text size="sm" c="dimmed">
            {isTask ? "None yet. Add what the task should work on." : "None: the tool starts with an empty data folder. Data can also be attached while it runs."}
          </Text>
        )}
        {adding && (
          <DatasetPicker
            label="Add a dataset"
            onPick={(dataset) => {
              const identifier = dataset.identifiers[0]?.value;
              if (identifier && !identifiers.includes(identifier)) onChange([...identifiers, identifier]);
              setAdding(false);
            }}
          />
        )}
      </Stack>
    </Box>
  );
}

export function ChosenLine({ identifier, known }: { identifier: string; known: Preview["datasets"][number] | undefined }) {
  return (
    <Box style={{ flex: 1, minWidth: 0 }}>
      <Text size="sm" style={{ overflowWrap: "anywhere" }}>
        {known?.title ?? identifier}
      </Text>
      {known && (
        <Text size="xs" c="dimmed">
          <span className="mono">{known.identifier}</span> · {formatBytes(known.size_bytes)} · read-only
        </Text>
      )}
    </Box>
  );
}
