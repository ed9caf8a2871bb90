/** Announcements: what everybody is shown, and from when on nothing new is launched. */
import { Button, Checkbox, Group, Select, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { allBannersQuery, useAddBanner, useRemoveBanner } from "@/api/notices";
import { faultOf } from "@/api/problem";
import { sitesQuery } from "@/api/sites";
import type { Banner, NewBanner } from "@/api/types";
import { Panel, PanelRow } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { RowSkeletons } from "@/components/row-skeletons";
import { formatDateTime } from "@/lib/format";

const LEVELS = [
  { value: "info", label: "News" },
  { value: "warning", label: "Warning" },
  { value: "down", label: "Maintenance" },
];

export function BannersTab() {
  const { data, error, refetch } = useQuery(allBannersQuery);
  if (error) return <ProblemAlert error={error} retry={() => void refetch()} />;
  if (!data) return <RowSkeletons label="Loading the announcements" />;
  return (
    <Stack gap="lg">
      <Text c="dimmed" size="sm">
        Everybody sees these above every page, before signing in too.
      </Text>
      {data.length > 0 && (
        <Panel>
          {data.map((banner) => (
            <PanelRow key={banner.id}>
              <BannerRow banner={banner} />
            </PanelRow>
          ))}
        </Panel>
      )}
      <NewBannerForm />
    </Stack>
  );
}

function BannerRow({ banner }: { banner: Banner }) {
  const removing = useRemoveBanner();
  const facts = [
    LEVELS.find((level) => level.value === banner.level)?.label,
    banner.site ?? "all sites",
    `shown from ${formatDateTime(banner.starts_at)}`,
    banner.ends_at && `until ${formatDateTime(banner.ends_at)}`,
    banner.no_launch_from && `no launches from ${formatDateTime(banner.no_launch_from)}`,
  ].filter(Boolean);
  return (
    <Group justify="space-between" gap="sm">
      <div style={{ flex: "1 1 16rem" }}>
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          {banner.text}
        </Text>
        <Text size="xs" c="dimmed">
          {facts.join(" · ")}
        </Text>
      </div>
      <Button variant="default" size="xs" loading={removing.isPending} onClick={() => removing.mutate(banner.id)}>
        Take down
      </Button>
      <ProblemAlert error={removing.error} />
    </Group>
  );
}

function NewBannerForm() {
  const { data: sites } = useQuery(sitesQuery);
  const adding = useAddBanner();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    adding.mutate(
      {
        text: String(given.get("text")).trim(),
        level: String(given.get("level")) as NewBanner["level"],
        site: String(given.get("site") ?? "") || null,
        starts_at: moment(given.get("starts_at")),
        ends_at: moment(given.get("ends_at")),
        no_launch_from: moment(given.get("no_launch_from")),
        tell: given.get("tell") === "on",
      },
      { onSuccess: () => form.reset() },
    );
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm" maw="46rem">
        <Textarea name="text" label="New announcement" autosize minRows={2} maxLength={1000} required withAsterisk={false} error={faultOf(adding.error, "text")} />
        <Group gap="sm" align="flex-end">
          <Select name="level" label="Kind" data={LEVELS} defaultValue="info" allowDeselect={false} w="10rem" />
          <Select name="site" label="Site" placeholder="All" data={(sites ?? []).map((site) => site.name)} clearable w="10rem" />
          <TextInput type="datetime-local" name="starts_at" label="Shown from" description="Empty: now" error={faultOf(adding.error, "starts_at")} />
          <TextInput type="datetime-local" name="ends_at" label="Until" description="Empty: until taken down" error={faultOf(adding.error, "ends_at")} />
          <TextInput
            type="datetime-local"
            name="no_launch_from"
            label="No launches from"
            description="Empty: launches go on"
            error={faultOf(adding.error, "no_launch_from")}
          />
        </Group>
        <Checkbox name="tell" label="Also notify those who have something running there" />
        <ProblemAlert error={adding.error} />
        <Group>
          <Button type="submit" variant="default" loading={adding.isPending}>
            Announce
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** A local time of the form as a moment. */
function moment(given: FormDataEntryValue | null): string | null {
  return typeof given === "string" && given ? new Date(given).toISOString() : null;
}
