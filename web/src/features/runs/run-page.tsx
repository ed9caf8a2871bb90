/** One run: where it stands, what it sees, what it wrote, what can be done with it. */
import { Alert, Grid, Group, Stack, Text, Title } from "@mantine/core";
import { IconAlertTriangle, IconGhost2, IconPlugConnectedX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { useLiveConnection } from "@/api/hints";
import { asProblem } from "@/api/problem";
import { runQuery } from "@/api/runs";
import type { Run } from "@/api/types";
import { AsCommand } from "@/components/as-command";
import { EmptyState } from "@/components/empty-state";
import { Page } from "@/components/page";
import { ProblemAlert } from "@/components/problem-alert";
import { RowSkeletons } from "@/components/row-skeletons";
import { TimeAgo } from "@/components/time-ago";
import { WordBadge } from "@/components/word-badge";
import { EndsNote, IdleWarning } from "./run-ends";
import { PendingActions } from "./pending-actions";
import { RunActions } from "./run-actions";
import { RunArtifacts } from "./run-artifacts";
import { RunData } from "./run-data";
import { RunAccess, RunDetails } from "./run-details";
import { RunHistory } from "./run-history";
import { RunLog } from "./run-log";
import { RunProgress } from "./run-progress";
import { RunPorts, RunShell } from "./run-shell";
import { RunShares } from "./run-shares";
import { isMoving } from "./run-verbs";
import { SharedRunPage } from "./shared-runs";
import { WhyWaiting } from "./why-waiting";

const BACK = { to: "/runs", label: "Runs" };
/** How often to ask when no stream says what changed, and when one does, just in case. */
const ASK_MS = 3_000;
const ASK_ANYWAY_MS = 20_000;

export function RunPage() {
  const { id = "" } = useParams();
  const live = useLiveConnection();
  const { data: run, error, refetch } = useQuery({
    ...runQuery(id),
    refetchInterval: ({ state }) => (state.data && isMoving(state.data) && !isGone(state.error) ? (live ? ASK_ANYWAY_MS : ASK_MS) : false),
  });
  // Deleted while it was on the screen: what is cached of it is no longer true.
  if (run && !isGone(error)) return <Loaded run={run} />;
  if (isGone(error)) return <SharedRunPage id={id} instead={<NoRun />} />;
  return (
    <Page title="Run" back={BACK}>
      {error ? (
        <ProblemAlert error={error} retry={() => void refetch()} />
      ) : (
        <RowSkeletons rows={4} label="Loading the run" />
      )}
    </Page>
  );
}

function NoRun() {
  return (
    <Page title="Run" back={BACK}>
      <EmptyState icon={<IconGhost2 size={36} stroke={1.3} />} title="There is no such run">
        It was deleted, or it belongs to somebody else.
      </EmptyState>
    </Page>
  );
}

function isGone(error: unknown): boolean {
  return error !== null && asProblem(error).status === 404;
}

function Loaded({ run }: { run: Run }) {
  const title = run.title || run.tool;
  return (
    <Page
      title={`${run.word}: ${title}`}
      back={BACK}
      heading={
        <Group gap="md" align="baseline">
          <Title order={1}>{title}</Title>
          <WordBadge run={run} size="lg" />
        </Group>
      }
      lead={<Lead run={run} />}
      actions={<RunActions run={run} />}
    >
      <Stack gap="md">
        {(run.word === "Waiting" || run.word === "Starting" || run.word === "Running") && <RunProgress run={run} />}
        <PendingActions run={run} />
        <IdleWarning run={run} />
        {run.word === "Waiting" && <WhyWaiting run={run} />}
        {run.word === "Failed" && (
          <Alert color="red" role="alert" icon={<IconAlertTriangle size={18} aria-hidden />} title={run.reason || "It failed without saying why"}>
            <Text size="xs" c="dimmed">
              {run.reason_code && (
                <>
                  reason <span className="mono">{run.reason_code}</span>
                </>
              )}
              {run.exit_code !== null && run.exit_code !== undefined && ` · exit code ${run.exit_code}`}
              {" · the log below may say more"}
            </Text>
          </Alert>
        )}
        {run.reason_code === "unreachable" && run.word !== "Failed" && (
          <Alert color="yellow" icon={<IconPlugConnectedX size={18} aria-hidden />} title="Its runner does not answer">
            {run.reason}
          </Alert>
        )}
      </Stack>
      <Grid gap="xl">
        <Grid.Col span={{ base: 12, md: 7.5 }}>
          <Stack gap="lg">
            <RunArtifacts run={run} />
            <RunShell run={run} />
            <RunLog run={run} />
            <RunHistory run={run} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4.5 }}>
          <Stack gap="lg">
            <RunData run={run} />
            <RunDetails run={run} />
            <RunShares run={run} />
            <RunPorts run={run} />
            <RunAccess run={run} />
            <AsCommand lines={commandsOf(run)} />
          </Stack>
        </Grid.Col>
      </Grid>
    </Page>
  );
}

function Lead({ run }: { run: Run }) {
  const since = { Ready: run.ready_at, Stopped: run.ended_at ?? run.updated_at, Ended: run.ended_at }[run.word as string];
  return (
    <>
      {run.tool} {run.version}
      {run.site && ` at ${run.site}`}
      {since && (
        <>
          {" · "}
          {run.word.toLowerCase()} <TimeAgo at={since} />
        </>
      )}
      <EndsNote run={run} />
      {run.reason && (run.word === "Stopped" || run.word === "Ended") && ` · ${run.reason}`}
    </>
  );
}

function commandsOf(run: Run): string[] {
  const lines = [`alongside runs show ${run.id}`, `alongside logs ${run.id} --follow`];
  if (run.word === "Stopped") lines.push(`alongside start ${run.id}`);
  if (run.state === "running") lines.push(`alongside shell ${run.id}`);
  if (run.word !== "Stopped" && isMoving(run)) lines.push(`alongside stop ${run.id}`);
  return lines;
}
