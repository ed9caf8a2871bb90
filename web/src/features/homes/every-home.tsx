/** Everybody's homes, for administrators: who is full, what failed, and mending it. */
import { Badge, Button, Group, Modal, NumberInput, Select, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { homesQuery, useSteerHome } from "@/api/homes";
import type { Home } from "@/api/types";
import { Panel, PanelRow } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { RowSkeletons } from "@/components/row-skeletons";
import { HomeSize } from "./home-size";

export function EveryHome() {
  const { data: homes, error, refetch } = useQuery(homesQuery(true));
  const [site, setSite] = useState<string | null>(null);
  if (error) return <ProblemAlert error={error} retry={() => void refetch()} />;
  if (!homes) return <RowSkeletons rows={4} label="Loading homes" />;
  const sites = [...new Set(homes.map((home) => home.site))].toSorted();
  return (
    <Stack gap="md">
      <Select label="Site" placeholder="All sites" data={sites} value={site} onChange={setSite} clearable maw={280} />
      <Panel>
        {homes
          .filter((home) => site === null || home.site === site)
          .map((home) => (
            <PanelRow key={home.id}>
              <HomeLine home={home} />
            </PanelRow>
          ))}
        {homes.length === 0 && (
          <PanelRow>
            <Text size="sm" c="dimmed">
              Nobody has a home yet.
            </Text>
          </PanelRow>
        )}
      </Panel>
    </Stack>
  );
}

function HomeLine({ home }: { home: Home }) {
  const steering = useSteerHome();
  const [editing, setEditing] = useState(false);
  return (
    <Stack gap="xs">
      <Group justify="space-between" gap="xs">
        <Group gap={8}>
          <Text fw={550}>{home.account_name}</Text>
          <Text size="sm" c="dimmed">
            {home.site_title || home.site}
            {home.uid !== null && ` · uid ${home.uid}, gid ${home.gid}`}
          </Text>
          {(home.busy || home.state !== "ready") && <Badge color={home.state === "failed" ? "red" : "gray"}>{home.busy || home.state}</Badge>}
        </Group>
        <Group gap="xs">
          <Button size="compact-xs" variant="default" onClick={() => setEditing(true)} aria-label={`Quota of ${home.account_name}`}>
            Quota
          </Button>
          <Button
            size="compact-xs"
            variant="default"
            disabled={home.busy !== ""}
            onClick={() => steering.mutate({ id: home.id, act: "repair" })}
            aria-label={`Repair the home of ${home.account_name}`}
          >
            Repair
          </Button>
        </Group>
      </Group>
      <HomeSize home={home} />
      {home.reason && (
        <Text size="sm" c="red">
          {home.reason}
        </Text>
      )}
      <ProblemAlert error={steering.error} />
      {editing && <QuotaDialog home={home} onClose={() => setEditing(false)} />}
    </Stack>
  );
}

function QuotaDialog({ home, onClose }: { home: Home; onClose: () => void }) {
  const steering = useSteerHome();
  const save = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = String(new FormData(event.currentTarget).get("gb")).trim();
    steering.mutate({ id: home.id, act: "quota", quota_gb: given === "" ? null : Number(given) }, { onSuccess: onClose });
  };
  return (
    <Modal opened onClose={onClose} title={`Quota of ${home.account_name} at ${home.site_title || home.site}`}>
      <form onSubmit={save}>
        <Stack>
          <NumberInput
            name="gb"
            label="GB"
            description="Empty: what holds for the account. 0: no limit."
            min={0}
            max={1_000_000}
            defaultValue={home.quota_bytes === null ? "" : home.quota_bytes / 1e9}
            data-autofocus
          />
          <ProblemAlert error={steering.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={steering.isPending}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
