/** Lets somebody else open a run: a person, a group, or whoever has a code. */
import { Button, Group, Modal, SegmentedControl, Select, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { faultOf } from "@/api/problem";
import { useShare } from "@/api/shares";
import type { Run, ShareKind } from "@/api/types";
import { CopyLine } from "@/components/copy-line";
import { ProblemAlert } from "@/components/problem-alert";

const HOUR_S = 3600;
const ENDS = [
  { value: "", label: "When I revoke it" },
  { value: String(HOUR_S), label: "In an hour" },
  { value: String(8 * HOUR_S), label: "In 8 hours" },
  { value: String(24 * HOUR_S), label: "In a day" },
  { value: String(7 * 24 * HOUR_S), label: "In a week" },
];
const WHOM = {
  person: { label: "Name", description: "As they sign in with it" },
  group: { label: "Group", description: "One that you are in; whoever joins it later comes in too" },
};

export function ShareDialog({ run, onClose }: { run: Run; onClose: () => void }) {
  const share = useShare(run.id);
  const [kind, setKind] = useState<ShareKind>("person");
  const [name, setName] = useState("");
  const [lasts, setLasts] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    share.mutate(
      { kind, name: kind === "code" ? null : name.trim(), lasts_s: lasts ? Number(lasts) : null },
      { onSuccess: (made) => made.code || onClose() },
    );
  };
  const made = share.data;
  return (
    <Modal opened onClose={onClose} title={`Share ${run.title || run.tool}`} size="md">
      {made?.code && made.link ? (
        <Stack>
          <Text size="sm">Whoever has this code can come in. It is shown this once.</Text>
          <CopyLine text={made.code} label="Copy the code" />
          <CopyLine text={made.link} label="Copy the link" />
          <Group justify="flex-end">
            <Button onClick={onClose}>Done</Button>
          </Group>
        </Stack>
      ) : (
        <form onSubmit={submit}>
          <Stack>
            <SegmentedControl
              aria-label="With whom"
              fullWidth
              value={kind}
              onChange={(value) => {
                setKind(value as ShareKind);
                share.reset();
              }}
              data={[
                { value: "person", label: "A person" },
                { value: "group", label: "A group" },
                { value: "code", label: "By a code" },
              ]}
            />
            {kind === "code" ? (
              <Text size="sm" c="dimmed">
                A code for whoever you give it to. They sign in as themselves, so that you see who came and can shut out one alone.
              </Text>
            ) : (
              <TextInput
                {...WHOM[kind]}
                value={name}
                onChange={(event) => setName(event.currentTarget.value)}
                error={faultOf(share.error, "name")}
                autoComplete="off"
                maxLength={128}
                data-autofocus
              />
            )}
            <Select label="Ends" data={ENDS} value={lasts} onChange={(value) => setLasts(value ?? "")} allowDeselect={false} />
            <Text size="sm" c="dimmed">
              They work in the tool as you do, with your files in it. They cannot stop the run, read its log or see your home elsewhere.
            </Text>
            {!faultOf(share.error, "name") && <ProblemAlert error={share.error} />}
            <Group justify="flex-end" gap="xs">
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button type="submit" loading={share.isPending} disabled={kind !== "code" && !name.trim()}>
                {kind === "code" ? "Make a code" : "Share"}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}
