/** What has a good default and is seldom changed: the place, how much of it, how long. */
import { NumberInput, Select, SimpleGrid, TagsInput, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { sitesQuery } from "@/api/sites";
import type { LaunchForm } from "./use-launch-form";

export function AdvancedWishes({ form }: { form: LaunchForm }) {
  const { data: sites } = useQuery(sitesQuery);
  const { draft, change, spec } = form;
  const usual = spec?.resources;
  const asNumber = (value: number | string) => (typeof value === "number" ? value : undefined);
  const executors = [...new Set(sites?.flatMap((site) => site.runners.flatMap((runner) => runner.executors.map((executor) => executor.kind))) ?? [])];
  return (
    <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
      <Select
        label="Site"
        placeholder="Where the data is"
        clearable
        data={sites?.map((site) => ({ value: site.name, label: site.title || site.name })) ?? []}
        value={draft.site ?? null}
        onChange={(value) => change({ site: value ?? undefined })}
      />
      <Select
        label="Executor"
        placeholder="Whichever fits"
        clearable
        data={executors}
        value={draft.executor ?? null}
        onChange={(value) => change({ executor: value ?? undefined })}
      />
      <NumberInput
        label="CPUs"
        placeholder={usual ? String(usual.cpus) : undefined}
        min={0.25}
        step={1}
        value={draft.cpus ?? ""}
        onChange={(value) => change({ cpus: asNumber(value) })}
      />
      <NumberInput
        label="Memory"
        suffix=" GB"
        placeholder={usual ? `${usual.memory_gb} GB` : undefined}
        min={0.25}
        step={1}
        value={draft.memory_gb ?? ""}
        onChange={(value) => change({ memory_gb: asNumber(value) })}
      />
      <NumberInput
        label="GPUs"
        placeholder={usual ? String(usual.gpus) : undefined}
        min={0}
        allowDecimal={false}
        value={draft.gpus ?? ""}
        onChange={(value) => change({ gpus: asNumber(value) })}
      />
      {spec?.kind === "interactive" && (
        <NumberInput
          label="Stop after"
          suffix=" hours"
          placeholder="When you stop it"
          min={0.25}
          value={draft.lifetime_h ?? ""}
          onChange={(value) => change({ lifetime_h: asNumber(value) })}
        />
      )}
      <TagsInput
        label="Labels"
        placeholder={draft.labels?.length ? undefined : "Any runner"}
        data={[...new Set(sites?.flatMap((site) => site.runners.flatMap((runner) => runner.labels)) ?? [])]}
        value={draft.labels ?? []}
        onChange={(labels) => change({ labels })}
      />
      <TextInput label="Title" placeholder={spec?.title} value={draft.title ?? ""} onChange={(event) => change({ title: event.currentTarget.value || undefined })} />
      {spec?.kind === "interactive" && (
        <TextInput
          label="Open file"
          placeholder="notebooks/start.ipynb"
          value={draft.open ?? ""}
          onChange={(event) => change({ open: event.currentTarget.value || undefined })}
        />
      )}
    </SimpleGrid>
  );
}
