/** All runs of the person, alive ones first; administrators may look at everyone's. */
import { Button, Group, SegmentedControl, Select, Stack, Switch } from "@mantine/core";
import { IconPlayerPlay, IconRocket } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useSearchParams } from "react-router";
import { useLiveConnection } from "@/api/hints";
import { runsQuery } from "@/api/runs";
import { meQuery } from "@/api/session";
import { toolsQuery } from "@/api/tools";
import type { Run } from "@/api/types";
import { AsCommand } from "@/components/as-command";
import { EmptyState } from "@/components/empty-state";
import { Page } from "@/components/page";
import { Panel } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { RowSkeletons } from "@/components/row-skeletons";
import { SearchBox } from "@/components/search-box";
import { useLauncher } from "@/lib/launcher";
import { RunsTable } from "./runs-table";
import { SharedRuns } from "./shared-runs";

type View = "current" | "history" | "all";

/** A stopped run is not past: it keeps its home and waits to be started again. */
const STATES: Record<View, string | undefined> = {
  current: "queued,initializing,running,paused,canceling",
  history: "complete,executor_error,system_error,canceled,preempted",
  all: undefined,
};

export function RunsPage() {
  const [search, setSearch] = useSearchParams();
  const live = useLiveConnection();
  const launch = useLauncher();
  const { data: me } = useQuery(meQuery);
  const { data: tools } = useQuery(toolsQuery);
  const view = (search.get("view") ?? "current") as View;
  const tool = search.get("tool") ?? undefined;
  const text = search.get("q") ?? "";
  const everyone = search.get("everyone") === "1";
  const list = useInfiniteQuery({
    ...runsQuery({ state: STATES[view], tool, all: everyone || undefined }),
    refetchInterval: live ? 20_000 : 3_000,
  });
  const set = (name: string, value: string | null) =>
    setSearch(
      (before) => {
        const next = new URLSearchParams(before);
        if (value) next.set(name, value);
        else next.delete(name);
        return next;
      },
      { replace: true, preventScrollReset: true },
    );
  const loaded = list.data?.pages.flatMap((page) => page.items);
  const runs = loaded?.filter((run) => fits(run, text));
  const launchButton = (
    <Button leftSection={<IconRocket size={16} aria-hidden />} onClick={() => launch({ tool })}>
      Launch a tool
    </Button>
  );
  return (
    <Page title="Runs" lead="What runs for you now, and what ran before." actions={launchButton}>
      <Stack gap="sm">
        <Group gap="sm">
          <SegmentedControl
            aria-label="Which runs"
            value={view}
            onChange={(value) => set("view", value === "current" ? null : value)}
            data={[
              { value: "current", label: "Current" },
              { value: "history", label: "History" },
              { value: "all", label: "All" },
            ]}
          />
          <Select
            aria-label="Tool"
            placeholder="Any tool"
            clearable
            w={170}
            data={tools?.map((known) => ({ value: known.name, label: known.title || known.name })) ?? []}
            value={tool ?? null}
            onChange={(value) => set("tool", value)}
          />
          {me?.account.role === "admin" && (
            <Switch label="Everyone's" checked={everyone} onChange={(event) => set("everyone", event.currentTarget.checked ? "1" : null)} />
          )}
          <div style={{ flex: "1 1 14rem" }}>
            <SearchBox label="Filter runs" placeholder="Filter by title, data, site" value={text} onChange={(value) => set("q", value || null)} />
          </div>
        </Group>
        {list.error ? (
          <ProblemAlert error={list.error} retry={() => void list.refetch()} />
        ) : !runs ? (
          <RowSkeletons label="Loading runs" />
        ) : runs.length === 0 ? (
          <Panel>
            <NoRuns view={view} filtered={Boolean(text || tool)} action={launchButton} />
          </Panel>
        ) : (
          <RunsTable runs={runs} everyone={everyone} />
        )}
        {list.hasNextPage && (
          <Button variant="default" mx="auto" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            Show older ones
          </Button>
        )}
      </Stack>
      {view === "current" && <SharedRuns />}
      <AsCommand lines={[`alongside runs list${tool ? ` --tool ${tool}` : ""}${everyone ? " --all" : ""}`]} />
    </Page>
  );
}

function NoRuns({ view, filtered, action }: { view: View; filtered: boolean; action: React.ReactNode }) {
  const icon = <IconPlayerPlay size={36} stroke={1.3} />;
  if (filtered) return <EmptyState icon={icon} title="No run matches" />;
  if (view === "history") return <EmptyState icon={icon} title="Nothing has ended yet" />;
  return (
    <EmptyState icon={icon} title={view === "all" ? "No runs yet" : "Nothing runs at the moment"} action={action}>
      A run is one launch of a tool beside data. A stopped one keeps its home and its link, and can be started again. What ended is under History.
    </EmptyState>
  );
}

function fits(run: Run, text: string): boolean {
  const about = [run.title, run.tool, run.site, run.account_name, run.word, ...run.datasets.flatMap((used) => [used.title, used.identifier])];
  return about.join(" ").toLowerCase().includes(text.trim().toLowerCase());
}
