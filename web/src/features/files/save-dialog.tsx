/** Save as dataset: says what it will be called, then how far it is, then leads to it. */
import { Anchor, Button, Checkbox, Group, Modal, Progress, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect } from "react";
import { Link } from "react-router";
import { savingQuery, useCancelSaving, useSaveDataset, type FolderId } from "@/api/files";
import { keys } from "@/api/keys";
import { faultOf } from "@/api/problem";
import { CopyLine } from "@/components/copy-line";
import { ProblemAlert } from "@/components/problem-alert";
import { nameOf } from "./paths";

export function SaveDialog({ folder, path, onClose }: { folder: FolderId; path: string; onClose: () => void }) {
  const saving = useSaveDataset();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    saving.mutate({
      folder,
      path,
      title: String(form.get("title")).trim(),
      description: String(form.get("description")).trim(),
      may_leave: form.get("may_leave") === "on",
    });
  };
  return (
    <Modal opened onClose={onClose} title="Save as dataset" size="lg">
      {saving.data ? (
        <Progressing id={saving.data.id} onClose={onClose} />
      ) : (
        <form onSubmit={submit}>
          <Stack gap="sm">
            <Text size="sm" c="dimmed">
              {path ? <span className="mono">{path}</span> : "The whole output"} is copied into the site&apos;s store and sealed there, with checksums and what it
              came from. It gets an identifier, and tools can be launched on it.
            </Text>
            <TextInput name="title" label="Title" defaultValue={nameOf(path)} data-autofocus error={faultOf(saving.error, "title")} />
            <Textarea name="description" label="Description" autosize minRows={2} />
            <Checkbox name="may_leave" label="Copies may go to other sites" />
            <ProblemAlert error={saving.error} />
            <Group justify="flex-end" gap="xs">
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button type="submit" loading={saving.isPending}>
                Save
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}

function Progressing({ id, onClose }: { id: string; onClose: () => void }) {
  const client = useQueryClient();
  const { data: saving, error } = useQuery(savingQuery(id));
  const canceling = useCancelSaving();
  const state = saving?.state ?? "queued";
  useEffect(() => {
    if (state === "complete") void client.invalidateQueries({ queryKey: keys.datasets.all });
  }, [client, state]);
  if (state === "complete" && saving) {
    return (
      <Stack gap="sm">
        <Text size="sm">
          Saved as <Anchor component={Link} to={`/datasets/${saving.dataset}`}>{saving.title}</Anchor>.
        </Text>
        {saving.identifiers[0] && <CopyLine text={saving.identifiers[0]} label="Copy the identifier" />}
        <Group justify="flex-end">
          <Button component={Link} to={`/datasets/${saving.dataset}`}>
            Open the dataset
          </Button>
        </Group>
      </Stack>
    );
  }
  const open = state === "queued" || state === "running";
  return (
    <Stack gap="sm">
      {open ? (
        <>
          <Text size="sm" role="status">
            {saving?.message || "Waiting for the site"}
          </Text>
          <Progress value={saving?.progress ?? 0} aria-label="Saving" />
          <Text size="xs" c="dimmed">
            It goes on when you close this.
          </Text>
        </>
      ) : (
        <Text size="sm" c="red" role="alert">
          {state === "canceled" ? "Canceled." : "It could not be saved."} {saving?.reason}
        </Text>
      )}
      <ProblemAlert error={error ?? canceling.error} />
      <Group justify="flex-end" gap="xs">
        {open && (
          <Button variant="default" onClick={() => canceling.mutate(id)} loading={canceling.isPending}>
            Cancel the saving
          </Button>
        )}
        <Button variant="default" onClick={onClose}>
          Close
        </Button>
      </Group>
    </Stack>
  );
}
