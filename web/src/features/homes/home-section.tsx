/** One home: its size, what is being done with it, and its snapshots. */
import { Alert, Button, Group, Loader, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useSteerHome } from "@/api/homes";
import type { Home } from "@/api/types";
import { Panel, PanelRow } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { Section } from "@/components/section";
import { TimeAgo } from "@/components/time-ago";
import { formatNumber } from "@/lib/format";
import { HomeSize } from "./home-size";
import { Snapshots } from "./snapshots";

const DOING: Record<string, string> = {
  make: "Being made",
  repair: "Being repaired",
  measure: "Being measured",
  snapshot: "A snapshot is being taken",
  restore: "Being restored",
  forget: "A snapshot is being deleted",
  remove: "Being removed",
};

export function HomeSection({ home }: { home: Home }) {
  const steering = useSteerHome();
  const isFull = home.quota_bytes !== null && home.size_bytes !== null && home.size_bytes >= home.quota_bytes;
  return (
    <Section
      title={home.site_title || home.site}
      aside={
        <Button
          size="xs"
          variant="default"
          disabled={home.busy !== ""}
          onClick={() => steering.mutate({ id: home.id, act: "measure" })}
          aria-label={`Measure the home at ${home.site_title || home.site} now`}
        >
          Measure now
        </Button>
      }
    >
      <Panel>
        <PanelRow>
          <Stack gap="xs">
            <HomeSize home={home} />
            <Text size="xs" c="dimmed" component="div">
              {home.files !== null && `${formatNumber(home.files)} files and folders · `}
              {home.measured_at ? (
                <>
                  measured <TimeAgo at={home.measured_at} />
                </>
              ) : (
                "made"
              )}
              {home.uid !== null && ` · your files belong to uid ${home.uid}, gid ${home.gid}`}
            </Text>
            {home.busy && (
              <Group gap={8} role="status">
                <Loader size={14} />
                <Text size="sm">
                  {DOING[home.busy] ?? home.busy}
                  {home.message && `: ${home.message}`}
                </Text>
              </Group>
            )}
            {isFull && (
              <Alert color="red" icon={<IconAlertTriangle size={18} aria-hidden />} title="This home is full">
                Remove or move files in a tool or on the page Files, then measure again.
              </Alert>
            )}
            {home.state === "failed" && (
              <Alert color="yellow" icon={<IconAlertTriangle size={18} aria-hidden />} title="Something is wrong with this home">
                <Stack gap="xs" align="flex-start">
                  <Text size="sm">{home.reason}</Text>
                  <Button size="xs" variant="default" disabled={home.busy !== ""} onClick={() => steering.mutate({ id: home.id, act: "repair" })}>
                    Repair
                  </Button>
                </Stack>
              </Alert>
            )}
            <ProblemAlert error={steering.error} />
          </Stack>
        </PanelRow>
        <Snapshots home={home} />
      </Panel>
    </Section>
  );
}
