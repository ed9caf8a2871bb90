/** Labels that an administrator puts on a runner, beside those that it came with. */
import { Button, Group, Modal, Stack, TagsInput, Text } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useLabelRunner } from "@/api/classes";
import type { Runner } from "@/api/types";
import { ProblemAlert } from "@/components/problem-alert";

export function RunnerLabels({ runner, onClose }: { runner: Runner; onClose: () => void }) {
  const labelling = useLabelRunner();
  const [labels, setLabels] = useState<string[]>([...runner.added_labels]);
  const own = runner.labels.filter((label) => !runner.added_labels.includes(label));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    labelling.mutate({ id: runner.id, labels }, { onSuccess: onClose });
  };
  return (
    <Modal opened onClose={onClose} title={`Labels of ${runner.name}`}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TagsInput label="Labels" description="Tools, launches, links and classes may require them: gpu-a100, big-memory." value={labels} onChange={setLabels} data-autofocus />
          {own.length > 0 && (
            <Text size="xs" c="dimmed">
              It came with {own.join(", ")}.
            </Text>
          )}
          <ProblemAlert error={labelling.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={labelling.isPending}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
