/** Runs as a table, on a phone as cards: word, what, on which data, where, since when, what to do. */
import { Button, Group, Table, Text } from "@mantine/core";
import { Link } from "react-router";
import type { Run } from "@/api/types";
import { OpenRunButton } from "@/components/open-run-button";
import { Panel } from "@/components/panel";
import { TimeAgo } from "@/components/time-ago";
import { useSteering } from "@/components/use-steering";
import { WordBadge } from "@/components/word-badge";
import { formatDuration, secondsBetween } from "@/lib/format";
import { useNow } from "@/lib/use-now";
import { verbsOf } from "./run-verbs";
import classes from "./runs-table.module.css";

export function RunsTable({ runs, everyone }: { runs: readonly Run[]; everyone: boolean }) {
  return (
    <Panel scroll>
      <Table className={classes.table} aria-label="Runs" highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={104}>State</Table.Th>
            <Table.Th>Run</Table.Th>
            {everyone && <Table.Th>Of</Table.Th>}
            <Table.Th>Where</Table.Th>
            <Table.Th>Launched</Table.Th>
            <Table.Th>For</Table.Th>
            <Table.Th w={150} aria-label="Actions" />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {runs.map((run) => (
            <RunRow key={run.id} run={run} everyone={everyone} />
          ))}
        </Table.Tbody>
      </Table>
    </Panel>
  );
}

function RunRow({ run, everyone }: { run: Run; everyone: boolean }) {
  const now = useNow();
  const duration = run.started_at ? formatDuration(secondsBetween(run.started_at, run.ended_at ?? now)) : "–";
  return (
    <Table.Tr>
      <Table.Td className={classes.word}>
        <WordBadge run={run} />
      </Table.Td>
      <Table.Td className={classes.what}>
        <Link to={`/runs/${run.id}`} className="plain">
          <Text span fw={550}>
            {run.title || run.tool}
          </Text>
        </Link>
        <Text size="xs" c="dimmed" lineClamp={1}>
          {run.datasets.length > 0 ? run.datasets.map((used) => used.title).join(", ") : "no data"}
        </Text>
        {(run.word === "Waiting" || run.word === "Starting" || run.word === "Failed") && (run.message || run.reason) && (
          <Text size="xs" c={run.word === "Failed" ? "red" : "dimmed"} lineClamp={2}>
            {run.word === "Failed" ? run.reason : run.message || run.reason}
          </Text>
        )}
      </Table.Td>
      {everyone && <Table.Td className={classes.extra}>{run.account_name}</Table.Td>}
      <Table.Td className={classes.extra}>{run.site ?? "–"}</Table.Td>
      <Table.Td className={classes.extra}>
        <TimeAgo at={run.created_at} />
      </Table.Td>
      <Table.Td className={`${classes.extra} numbers`} style={{ whiteSpace: "nowrap" }}>
        {duration}
      </Table.Td>
      <Table.Td className={classes.actions}>
        <RowButtons run={run} />
      </Table.Td>
    </Table.Tr>
  );
}

function RowButtons({ run }: { run: Run }) {
  const verbs = verbsOf(run);
  const { press, pending } = useSteering();
  const title = run.title || run.tool;
  return (
    <Group gap={6} justify="flex-end" wrap="nowrap">
      {verbs.open && <OpenRunButton run={run} size="xs" variant="light" />}
      {verbs.start && (
        <Button size="xs" variant="light" disabled={pending} aria-label={`Start ${title}`} onClick={() => press(run.id, "start")}>
          Start
        </Button>
      )}
      {(verbs.stop || verbs.cancel) && (
        <Button
          size="xs"
          variant="default"
          disabled={pending}
          aria-label={`${verbs.cancel ? "Cancel" : "Stop"} ${title}`}
          onClick={() => press(run.id, verbs.cancel ? "cancel" : "stop")}
        >
          {verbs.cancel ? "Cancel" : "Stop"}
        </Button>
      )}
    </Group>
  );
}
