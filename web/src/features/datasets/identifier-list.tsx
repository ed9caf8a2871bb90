/** Every name by which a dataset is found, each ready to be copied. */
import { ActionIcon, Button, Group, Stack, Text, TextInput, Tooltip } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { useAddIdentifier, useRemoveIdentifier } from "@/api/datasets";
import type { Dataset } from "@/api/types";
import { CopyIcon } from "@/components/copy-line";
import { Panel, PanelRow } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";

export function IdentifierList({ dataset, mayEdit }: { dataset: Dataset; mayEdit: boolean }) {
  const add = useAddIdentifier(dataset.id);
  const remove = useRemoveIdentifier(dataset.id);
  const [adding, setAdding] = useState(false);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget).get("identifier")).trim();
    add.mutate(text, { onSuccess: () => setAdding(false) });
  };
  return (
    <Stack gap="xs">
      <Panel>
        {dataset.identifiers.map((identifier) => (
          <PanelRow key={identifier.value} py={7}>
            <Group justify="space-between" wrap="nowrap" gap="xs">
              <Text size="sm" className="mono">
                {identifier.value}
              </Text>
              <Group gap={2} wrap="nowrap">
                <CopyIcon text={identifier.value} label={`Copy ${identifier.value}`} />
                {mayEdit && dataset.identifiers.length > 1 && (
                  <Tooltip label="Remove">
                    <ActionIcon variant="subtle" color="gray" size="sm" aria-label={`Remove ${identifier.value}`} onClick={() => remove.mutate(identifier.value)}>
                      <IconX size={15} />
                    </ActionIcon>
                  </Tooltip>
                )}
              </Group>
            </Group>
          </PanelRow>
        ))}
      </Panel>
      <ProblemAlert error={add.error ?? remove.error} />
      {mayEdit && !adding && (
        <Button variant="subtle" size="compact-sm" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setAdding(true)} style={{ alignSelf: "flex-start" }}>
          Add an identifier
        </Button>
      )}
      {adding && (
        <form onSubmit={submit}>
          <Group align="flex-end" gap="xs">
            <TextInput name="identifier" label="Identifier" placeholder="https://doi.org/10.5072/…" required autoFocus style={{ flex: 1 }} />
            <Button type="submit" loading={add.isPending}>
              Add
            </Button>
          </Group>
        </form>
      )}
    </Stack>
  );
}
