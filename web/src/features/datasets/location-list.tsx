/** Where a dataset's bytes are: paths at sites, and addresses that anyone may fetch. */
import { ActionIcon, Badge, Button, Group, Select, Stack, Text, TextInput, Tooltip } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { useAddLocation, useRemoveLocation } from "@/api/datasets";
import type { Dataset, Location, Site } from "@/api/types";
import { CopyIcon } from "@/components/copy-line";
import { Panel, PanelRow } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { SiteChip } from "@/components/site-chip";
import { formatBytes } from "@/lib/format";

const ELSEWHERE = "a web address";

export function LocationList({ dataset, sites, mayEdit }: { dataset: Dataset; sites: readonly Site[]; mayEdit: boolean }) {
  const remove = useRemoveLocation(dataset.id);
  const [adding, setAdding] = useState(false);
  return (
    <Stack gap="xs">
      <Panel>
        {dataset.locations.map((location) => (
          <PanelRow key={location.id} py={8}>
            <Group justify="space-between" wrap="nowrap" gap="xs" align="flex-start">
              <LocationLine location={location} sites={sites} />
              {mayEdit && dataset.locations.length > 1 && (
                <Tooltip label="Forget this location">
                  <ActionIcon variant="subtle" color="gray" size="sm" aria-label={`Forget ${location.path ?? location.url}`} onClick={() => remove.mutate(location.id)}>
                    <IconX size={15} />
                  </ActionIcon>
                </Tooltip>
              )}
            </Group>
          </PanelRow>
        ))}
      </Panel>
      <ProblemAlert error={remove.error} />
      {mayEdit && !adding && (
        <Button variant="subtle" size="compact-sm" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setAdding(true)} style={{ alignSelf: "flex-start" }}>
          Add a location
        </Button>
      )}
      {adding && <AddLocation dataset={dataset} sites={sites} onDone={() => setAdding(false)} />}
    </Stack>
  );
}

function LocationLine({ location, sites }: { location: Location; sites: readonly Site[] }) {
  return (
    <Stack gap={3} style={{ minWidth: 0 }}>
      <Group gap={8}>
        {location.site ? <SiteChip name={location.site} site={sites.find((site) => site.name === location.site)} /> : <Badge color="gray">download</Badge>}
        <Text size="sm" c="dimmed">
          {location.kind} · {formatBytes(location.size_bytes)}
        </Text>
      </Group>
      <Text size="sm" className="mono">
        {location.path ?? location.url}
      </Text>
      {location.sha256 && (
        <Group gap={4} wrap="nowrap">
          <Text size="xs" c="dimmed" className="mono">
            sha256 {location.sha256.slice(0, 16)}…
          </Text>
          <CopyIcon text={location.sha256} label="Copy the SHA-256" />
        </Group>
      )}
    </Stack>
  );
}

function AddLocation({ dataset, sites, onDone }: { dataset: Dataset; sites: readonly Site[]; onDone: () => void }) {
  const add = useAddLocation(dataset.id);
  const [place, setPlace] = useState<string | null>(sites[0]?.name ?? ELSEWHERE);
  const isUrl = place === ELSEWHERE;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget).get("address")).trim();
    add.mutate(isUrl ? { url: text } : { site: place ?? "", path: text }, { onSuccess: onDone });
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="xs">
        <Group align="flex-end" gap="xs">
          <Select label="At" data={[...sites.map((site) => site.name), ELSEWHERE]} value={place} onChange={setPlace} allowDeselect={false} w={140} />
          <TextInput name="address" label={isUrl ? "Address" : "Path"} placeholder={isUrl ? "https://…" : "/data/…"} required autoFocus style={{ flex: "1 1 12rem" }} />
          <Button type="submit" loading={add.isPending}>
            Add
          </Button>
        </Group>
        <ProblemAlert error={add.error} />
      </Stack>
    </form>
  );
}
