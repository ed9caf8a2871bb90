/** How much of a machine: the classes that sites offer as radio cards; one that cannot be used says why. */
import { Badge, Group, Radio, SimpleGrid, Text } from "@mantine/core";
import type { OfferedClass, Preview } from "@/api/types";
import { formatDuration, formatMoment, formatResources } from "@/lib/format";
import { useNow } from "@/lib/use-now";
import { asksResources } from "./launch-request";
import classes from "./tool-choice.module.css";
import type { LaunchForm } from "./use-launch-form";

export function ClassChoice({ form }: { form: LaunchForm }) {
  const { draft, preview, change } = form;
  const offered = preview?.classes ?? [];
  if (offered.length === 0) return null;
  const given = asksResources(draft) ? undefined : (draft.resource_class ?? preview?.resource_class);
  return (
    <Radio.Group
      label="Size"
      value={given ?? null}
      onChange={(name) => change({ resource_class: name, cpus: undefined, memory_gb: undefined, gpus: undefined })}
    >
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing={6} mt={6}>
        {offered.map((item) => (
          <ClassCard key={item.name} item={item} />
        ))}
      </SimpleGrid>
    </Radio.Group>
  );
}

function ClassCard({ item }: { item: OfferedClass }) {
  return (
    <Radio.Card value={item.name} className={classes.card} style={{ display: "flex", alignItems: "flex-start" }} aria-label={item.title} disabled={!item.ok}>
      <Group wrap="nowrap" gap="sm" align="flex-start" style={{ flex: 1 }}>
        <div style={{ flex: 1, minWidth: 0 }}>
          <Group gap={8}>
            <Text fw={550}>{item.title}</Text>
            {item.sites.length > 1 && <Badge color="gray">{item.sites.length} sites</Badge>}
          </Group>
          <Text size="xs" className="numbers">
            {formatResources(item.resources)}
            {item.lifetime_s && ` · up to ${formatDuration(item.lifetime_s)}`}
          </Text>
          <Text size="xs" c="dimmed" lineClamp={item.ok ? 2 : 4}>
            {item.ok ? item.description : item.reason}
          </Text>
        </div>
        <Radio.Indicator />
      </Group>
    </Radio.Card>
  );
}

/** "Small: 1 cpu · 2 GB memory". */
export function sayWith(preview: Preview): string {
  const chosen = preview.classes.find((item) => item.name === preview.resource_class);
  const size = formatResources(preview.resources);
  return chosen ? `${chosen.title} (${size})` : size;
}

/** From the start on: when it will pause by itself, if it becomes ready soon. */
export function EndsText({ lifetimeS }: { lifetimeS: number }) {
  const now = useNow();
  return (
    <span className="numbers">
      until about {formatMoment(now + lifetimeS * 1000, now).replace(/^at /, "")} ({formatDuration(lifetimeS)})
    </span>
  );
}
