/** What was kept of a home: taking, restoring and deleting snapshots. */
import { Badge, Button, Group, Text, TextInput } from "@mantine/core";
import { IconCamera } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { homeSnapshotsQuery, useSteerHome } from "@/api/homes";
import type { Home, HomeSnapshot } from "@/api/types";
import { ConfirmButton } from "@/components/confirm-button";
import { PanelRow } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { TimeAgo } from "@/components/time-ago";
import { formatBytes } from "@/lib/format";

export function Snapshots({ home }: { home: Home }) {
  const { data: snapshots, error } = useQuery(homeSnapshotsQuery(home.id));
  const taking = useSteerHome();
  const take = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const name = String(new FormData(form).get("name")).trim();
    taking.mutate({ id: home.id, act: "snapshot", name }, { onSuccess: () => form.reset() });
  };
  return (
    <>
      <PanelRow>
        <form onSubmit={take}>
          <Group gap="xs" align="flex-end">
            <TextInput name="name" label="Snapshot" placeholder="before the upgrade" maxLength={100} style={{ flex: "1 1 12rem" }} />
            <Button
              type="submit"
              variant="default"
              leftSection={<IconCamera size={16} aria-hidden />}
              loading={taking.isPending}
              disabled={home.busy !== "" && home.busy !== "measure"}
            >
              Take a snapshot
            </Button>
          </Group>
        </form>
        <ProblemAlert error={taking.error ?? error} />
      </PanelRow>
      {snapshots?.map((snapshot) => (
        <PanelRow key={snapshot.id}>
          <SnapshotLine home={home} snapshot={snapshot} />
        </PanelRow>
      ))}
    </>
  );
}

function SnapshotLine({ home, snapshot }: { home: Home; snapshot: HomeSnapshot }) {
  const steering = useSteerHome();
  const isIdle = home.busy === "" || home.busy === "measure";
  return (
    <Group justify="space-between" gap="xs">
      <div style={{ minWidth: 0, flex: "1 1 14rem" }}>
        <Group gap={8}>
          <Text fw={500} style={{ overflowWrap: "anywhere" }}>
            {snapshot.name}
          </Text>
          {snapshot.state !== "ready" && <Badge color={snapshot.state === "failed" ? "red" : "gray"}>{snapshot.state}</Badge>}
        </Group>
        <Text size="xs" c="dimmed" component="div">
          taken <TimeAgo at={snapshot.created_at} />
          {snapshot.size_bytes !== null && ` · ${formatBytes(snapshot.size_bytes)}`}
          {snapshot.shares_blocks && ", shared with the home"}
          {snapshot.reason && ` · ${snapshot.reason}`}
        </Text>
      </div>
      <Group gap="xs">
        {snapshot.state === "ready" && (
          <ConfirmButton
            size="xs"
            label="Restore"
            confirm="Restore"
            question={`Restore “${snapshot.name}”?`}
            disabled={!isIdle}
            error={steering.error}
            loading={steering.isPending}
            onConfirm={() => steering.mutateAsync({ id: home.id, act: "restore", snapshot: snapshot.id })}
          >
            The home at {home.site_title || home.site} becomes what it was then. What it is now is kept as a snapshot first, so this can be undone.
          </ConfirmButton>
        )}
        {snapshot.state !== "removing" && snapshot.state !== "making" && (
          <ConfirmButton
            size="xs"
            label="Delete"
            confirm="Delete the snapshot"
            question={`Delete “${snapshot.name}”?`}
            disabled={!isIdle}
            error={steering.error}
            loading={steering.isPending}
            onConfirm={() => steering.mutateAsync({ id: home.id, act: "forget", snapshot: snapshot.id })}
          >
            The home stays as it is; what only this snapshot holds is gone.
          </ConfirmButton>
        )}
      </Group>
    </Group>
  );
}
