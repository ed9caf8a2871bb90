/** Edits a dataset's record; a change that someone else made meanwhile is never overwritten. */
import { Button, Checkbox, Group, Modal, Stack, TagsInput, Textarea, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useEditDataset } from "@/api/datasets";
import type { Dataset } from "@/api/types";
import { ProblemAlert } from "@/components/problem-alert";

export function EditDialog({ dataset, onClose }: { dataset: Dataset; onClose: () => void }) {
  const [asRead] = useState(dataset); // the revision that was on the screen, not one that arrived since
  const editing = useEditDataset(asRead);
  const [creators, setCreators] = useState<string[]>([...dataset.creators]);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    editing.mutate(
      {
        title: String(form.get("title")).trim(),
        description: String(form.get("description")).trim(),
        creators,
        may_leave: form.get("may_leave") === "on",
      },
      { onSuccess: onClose },
    );
  };
  return (
    <Modal opened onClose={onClose} title="Edit the dataset" size="lg">
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput name="title" label="Title" defaultValue={asRead.title} required data-autofocus />
          <TagsInput label="Creators" value={creators} onChange={setCreators} acceptValueOnBlur />
          <Textarea name="description" label="Description" defaultValue={asRead.description} autosize minRows={3} />
          <Checkbox name="may_leave" label="Copies may go to other sites" defaultChecked={asRead.may_leave} />
          <ProblemAlert error={editing.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={editing.isPending}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
