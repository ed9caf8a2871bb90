/** Access tags: granted to people and groups, put on datasets, tools and sites. */
import { Button, Group as Row, MultiSelect, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { datasetsQuery } from "@/api/datasets";
import { accountsQuery, groupsQuery, tagsQuery, useCreateTag, useDeleteTag, useTagTarget, type TagTarget } from "@/api/people";
import { sitesQuery } from "@/api/sites";
import { toolsQuery } from "@/api/tools";
import type { Tag } from "@/api/types";
import { ConfirmButton } from "@/components/confirm-button";
import { Panel, PanelRow } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { RowSkeletons } from "@/components/row-skeletons";

export function TagsTab() {
  const { data: tags, error, refetch } = useQuery(tagsQuery);
  const creating = useCreateTag();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    creating.mutate({ name: String(given.get("name")).trim(), description: String(given.get("description")).trim() }, { onSuccess: () => form.reset() });
  };
  if (error) return <ProblemAlert error={error} retry={() => void refetch()} />;
  if (!tags) return <RowSkeletons label="Loading tags" />;
  return (
    <Stack gap="md">
      <Text c="dimmed" size="sm" maw="46rem">
        A thing without tags is for everyone who may sign in. A thing that carries tags is seen only by those who hold one of them, themselves or through a group.
      </Text>
      {tags.length > 0 && (
        <Panel>
          {tags.map((tag) => (
            <PanelRow key={tag.id}>
              <TagRow tag={tag} />
            </PanelRow>
          ))}
        </Panel>
      )}
      <form onSubmit={submit}>
        <Row align="flex-end" gap="xs">
          <TextInput name="name" label="New tag" placeholder="embargoed" required withAsterisk={false} />
          <TextInput name="description" label="Meaning" placeholder="Not yet published" style={{ flex: "1 1 14rem" }} />
          <Button type="submit" variant="default" loading={creating.isPending}>
            Add the tag
          </Button>
        </Row>
      </form>
      <ProblemAlert error={creating.error} />
    </Stack>
  );
}

interface Choice {
  value: string;
  label: string;
}

function TagRow({ tag }: { tag: Tag }) {
  const deleting = useDeleteTag();
  const target = useTagTarget(tag.id);
  const { data: accounts } = useQuery(accountsQuery);
  const { data: groups } = useQuery(groupsQuery);
  const { data: tools } = useQuery(toolsQuery);
  const { data: sites } = useQuery(sitesQuery);
  const { data: datasets } = useInfiniteQuery(datasetsQuery({ q: "" }));
  const people: Choice[] = [
    ...(accounts ?? []).map((account) => ({ value: `account:${account.id}`, label: account.display_name || account.name })),
    ...(groups ?? []).map((group) => ({ value: `group:${group.id}`, label: `group ${group.name}` })),
  ];
  const things: Choice[] = [
    ...(datasets?.pages.flatMap((page) => page.items) ?? []).map((dataset) => ({ value: `dataset:${dataset.id}`, label: dataset.title })),
    ...(tools ?? []).map((tool) => ({ value: `tool:${tool.name}`, label: `tool ${tool.title || tool.name}` })),
    ...(sites ?? []).map((site) => ({ value: `site:${site.name}`, label: `site ${site.title || site.name}` })),
  ];
  const held = [...tag.accounts.map((id) => `account:${id}`), ...tag.groups.map((id) => `group:${id}`)];
  const carried = tag.things.map((thing) => thing.join(":"));
  const change = (before: readonly string[], after: readonly string[]) => {
    for (const value of after.filter((id) => !before.includes(id))) target.mutate({ target: parseTarget(value), on: true });
    for (const value of before.filter((id) => !after.includes(id))) target.mutate({ target: parseTarget(value), on: false });
  };
  return (
    <Stack gap="xs">
      <Row justify="space-between" gap="xs">
        <div>
          <Text fw={550}>{tag.name}</Text>
          <Text size="xs" c="dimmed">
            {tag.description}
          </Text>
        </div>
        <ConfirmButton
          size="xs"
          label="Delete"
          confirm="Delete the tag"
          question={`Delete the tag ${tag.name}?`}
          error={deleting.error}
          loading={deleting.isPending}
          onConfirm={() => deleting.mutateAsync(tag.id)}
        >
          It must be taken off everything that carries it first: what it protects would be visible to everyone.
        </ConfirmButton>
      </Row>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <MultiSelect label="Held by" searchable hidePickedOptions data={withUnknown(people, held)} value={held} onChange={(after) => change(held, after)} />
        <MultiSelect label="Put on" searchable hidePickedOptions data={withUnknown(things, carried)} value={carried} onChange={(after) => change(carried, after)} />
      </SimpleGrid>
      <ProblemAlert error={target.error} />
    </Stack>
  );
}

function parseTarget(value: string): TagTarget {
  const colon = value.indexOf(":");
  return { kind: value.slice(0, colon), id: value.slice(colon + 1) } as TagTarget;
}

/** What is chosen is always among the choices, even beyond the first page of datasets. */
function withUnknown(choices: readonly Choice[], chosen: readonly string[]): Choice[] {
  const known = new Set(choices.map((choice) => choice.value));
  return [...choices, ...chosen.filter((value) => !known.has(value)).map((value) => ({ value, label: value }))];
}
