/** Attaches a dataset to a run while it runs. */
import { Button, Group, Modal, Radio, Stack, Text, TextInput } from "@mantine/core";
import { IconDatabase } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { useAttach } from "@/api/runs";
import type { Dataset, Run } from "@/api/types";
import { DatasetPicker } from "@/components/dataset-picker";
import { ProblemAlert } from "@/components/problem-alert";
import { formatBytes } from "@/lib/format";

export function AttachDialog({ run, onClose }: { run: Run; onClose: () => void }) {
  const attach = useAttach(run.id);
  const [dataset, setDataset] = useState<Dataset | null>(null);
  const [mode, setMode] = useState<"mount" | "copy">("mount");
  const [name, setName] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const id = dataset?.identifiers[0]?.value;
    if (id) attach.mutate({ id, mode, ...(name.trim() && { name: name.trim() }) }, { onSuccess: onClose });
  };
  return (
    <Modal opened onClose={onClose} title={`Attach data to ${run.title || run.tool}`} size="lg">
      <form onSubmit={submit}>
        <Stack>
          {dataset ? (
            <Group gap="sm" wrap="nowrap">
              <IconDatabase size={18} aria-hidden />
              <div style={{ flex: 1 }}>
                <Text fw={500}>{dataset.title}</Text>
                <Text size="xs" c="dimmed">
                  {dataset.identifiers[0]?.display} · {formatBytes(dataset.size_bytes)}
                </Text>
              </div>
              <Button variant="subtle" size="compact-sm" onClick={() => setDataset(null)}>
                Another one
              </Button>
            </Group>
          ) : (
            <DatasetPicker label="Dataset" onPick={setDataset} without={run.datasets.map((used) => used.dataset)} autoFocus />
          )}
          <Radio.Group label="How" value={mode} onChange={(value) => setMode(value as "mount" | "copy")}>
            <Stack gap={8} mt={6}>
              <Radio value="mount" label="Mount it read-only" description="At once, whatever its size. Where mounting is impossible it is copied instead, and the page says so." />
              <Radio value="copy" label="Copy it" description="A writable copy of the run's own; takes time and room." />
            </Stack>
          </Radio.Group>
          <TextInput label="Name in the data folder" placeholder="Taken from its title" value={name} onChange={(event) => setName(event.currentTarget.value)} />
          <ProblemAlert error={attach.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" disabled={!dataset} loading={attach.isPending}>
              Attach
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
