/** The sizes of machine that a site offers: who may use each, made and changed in one dialog. */
import { Badge, Box, Button, Group, Modal, NumberInput, SimpleGrid, Stack, TagsInput, Text, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { accountClassesQuery, resourceClassesQuery, usePutResourceClass, useRemoveResourceClass } from "@/api/classes";
import { groupsQuery } from "@/api/people";
import type { NewResourceClass, ResourceClass, Site } from "@/api/types";
import { Panel, PanelRow } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { formatDuration, formatResources } from "@/lib/format";
import { ClassButtons } from "./class-buttons";

const HOUR_S = 3600;
const BLANK: NewResourceClass = { name: "", cpus: 1, memory_gb: 2 };

export function SiteClasses({ site }: { site: Site }) {
  const { data: found, error } = useQuery(resourceClassesQuery(site.name));
  const removing = useRemoveResourceClass(site.name);
  const [editing, setEditing] = useState<ResourceClass | "new" | null>(null);
  const ordered = [...(found ?? [])].sort((a, b) => a.position - b.position || a.resources.cpus - b.resources.cpus);
  return (
    <Box mt="md">
      <Text size="sm" fw={550} mb={6}>
        Resource classes
      </Text>
      <Panel>
        {ordered.map((item) => (
          <PanelRow key={item.id}>
            <Group justify="space-between" gap="xs">
              <div style={{ flex: "1 1 16rem", minWidth: 0 }}>
                <Group gap={8}>
                  <Text fw={550}>{item.title || item.name}</Text>
                  {[...item.groups, ...item.account_classes].map((name) => (
                    <Badge key={name} color="gray">
                      {name}
                    </Badge>
                  ))}
                  {item.labels.map((label) => (
                    <Badge key={label} color="gray" variant="outline">
                      {label}
                    </Badge>
                  ))}
                </Group>
                <Text size="xs" c="dimmed" className="numbers">
                  {formatResources(item.resources)}
                  {item.lifetime_s && ` · up to ${formatDuration(item.lifetime_s)}`}
                </Text>
              </div>
              <ClassButtons name={item.name} onEdit={() => setEditing(item)} removing={removing}>
                Runs that have it keep it; nobody can choose it any more.
              </ClassButtons>
            </Group>
          </PanelRow>
        ))}
        <PanelRow>
          <Group justify="space-between" gap="xs">
            <Text size="sm" c="dimmed">
              {ordered.length === 0 ? "No resource classes: a launch gets what it asks for." : "A launch here gets one of these, or fits into one."}
            </Text>
            <Button size="compact-xs" variant="default" leftSection={<IconPlus size={13} aria-hidden />} onClick={() => setEditing("new")}>
              Add a class
            </Button>
          </Group>
        </PanelRow>
      </Panel>
      <ProblemAlert error={error} />
      {editing && <ClassDialog site={site} known={editing === "new" ? undefined : editing} onClose={() => setEditing(null)} />}
    </Box>
  );
}

function ClassDialog({ site, known, onClose }: { site: Site; known: ResourceClass | undefined; onClose: () => void }) {
  const putting = usePutResourceClass(site.name);
  const { data: groups } = useQuery(groupsQuery);
  const { data: kinds } = useQuery(accountClassesQuery);
  const [wanted, setWanted] = useState<NewResourceClass>(known ? wantedOf(known) : BLANK);
  const change = (part: Partial<NewResourceClass>) => setWanted((before) => ({ ...before, ...part }));
  const number = (name: "cpus" | "memory_gb" | "gpus" | "position") => (value: number | string) => change({ [name]: Number(value) || 0 });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    putting.mutate({ known: known !== undefined, wanted }, { onSuccess: onClose });
  };
  return (
    <Modal opened onClose={onClose} title={known ? `The class ${known.name}` : `A resource class at ${site.title || site.name}`}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          {!known && (
            <TextInput
              label="Name"
              description="The same name at several sites is one choice."
              placeholder="large"
              required
              withAsterisk={false}
              data-autofocus
              value={wanted.name}
              onChange={(event) => change({ name: event.currentTarget.value })}
            />
          )}
          <TextInput label="Title" placeholder="Large" value={wanted.title ?? ""} onChange={(event) => change({ title: event.currentTarget.value })} />
          <TextInput label="Description" value={wanted.description ?? ""} onChange={(event) => change({ description: event.currentTarget.value })} />
          <SimpleGrid cols={{ base: 2, xs: 4 }}>
            <NumberInput label="CPUs" min={0} value={wanted.cpus} onChange={number("cpus")} />
            <NumberInput label="Memory, GB" min={0} value={wanted.memory_gb} onChange={number("memory_gb")} />
            <NumberInput label="GPUs" min={0} allowDecimal={false} value={wanted.gpus ?? 0} onChange={number("gpus")} />
            <NumberInput label="Place in lists" min={0} allowDecimal={false} value={wanted.position ?? 0} onChange={number("position")} />
          </SimpleGrid>
          <NumberInput
            label="Longest lifetime"
            suffix=" hours"
            placeholder="No limit"
            min={0}
            value={wanted.lifetime_s ? wanted.lifetime_s / HOUR_S : ""}
            onChange={(value) => change({ lifetime_s: Number(value) > 0 ? Number(value) * HOUR_S : null })}
          />
          <TagsInput label="Only for groups" placeholder={wanted.groups?.length ? undefined : "Everyone"} data={groups?.map((group) => group.name) ?? []} value={[...(wanted.groups ?? [])]} onChange={(names) => change({ groups: names })} />
          <TagsInput
            label="Only for account classes"
            placeholder={wanted.account_classes?.length ? undefined : "Everyone"}
            data={kinds?.map((kind) => kind.name) ?? []}
            value={[...(wanted.account_classes ?? [])]}
            onChange={(names) => change({ account_classes: names })}
          />
          <TagsInput
            label="Only on runners with labels"
            placeholder={wanted.labels?.length ? undefined : "Any runner"}
            data={[...new Set(site.runners.flatMap((runner) => runner.labels))]}
            value={[...(wanted.labels ?? [])]}
            onChange={(labels) => change({ labels })}
          />
          <ProblemAlert error={putting.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={putting.isPending}>
              {known ? "Save" : "Add"}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function wantedOf({ name, title, description, resources, lifetime_s, labels, groups, account_classes, position }: ResourceClass): NewResourceClass {
  return { name, title, description, ...resources, lifetime_s, labels, groups, account_classes, position };
}
