/** What happened to a run, newest first: its attempts, and the events of each. */
import { Button, Group, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { runAttemptsQuery, runEventsQuery } from "@/api/runs";
import type { Attempt, Run, RunEvent } from "@/api/types";
import { Panel, PanelRow } from "@/components/panel";
import { Section } from "@/components/section";
import { TimeAgo } from "@/components/time-ago";
import { sentence, stateWord } from "@/lib/state-words";
import { formatClock, formatDateTime, formatDuration, secondsBetween } from "@/lib/format";
import classes from "./run-history.module.css";

const FIRST_EVENTS = 12;

export function RunHistory({ run }: { run: Run }) {
  const { data: attempts } = useQuery(runAttemptsQuery(run.id));
  const { data: events } = useQuery(runEventsQuery(run.id));
  const [all, setAll] = useState(false);
  const newest = [...(events ?? [])].filter((event) => event.kind !== "progress" || event.message).reverse();
  const shown = all ? newest : newest.slice(0, FIRST_EVENTS);
  return (
    <Section title="History">
      {attempts && attempts.length > 1 && <Attempts attempts={attempts} />}
      <Panel>
        <PanelRow py={10}>
          <ol className={classes.events}>
            {shown.map((event) => (
              <li key={event.seq}>
                <time dateTime={event.at} className={classes.time} title={formatDateTime(event.at)}>
                  {formatClock(event.at)}
                </time>
                <span className={classes.kind} data-kind={event.kind}>
                  {sayEvent(event)}
                </span>
              </li>
            ))}
          </ol>
          {shown.length === 0 && (
            <Text size="sm" c="dimmed">
              Nothing happened yet.
            </Text>
          )}
          {newest.length > shown.length && (
            <Group mt="xs">
              <Button size="compact-xs" variant="subtle" onClick={() => setAll(true)}>
                Show all {newest.length}
              </Button>
            </Group>
          )}
        </PanelRow>
      </Panel>
    </Section>
  );
}

function Attempts({ attempts }: { attempts: readonly Attempt[] }) {
  return (
    <Panel scroll mb="sm">
      <Table aria-label="Attempts" miw={480}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Attempt</Table.Th>
            <Table.Th>Began</Table.Th>
            <Table.Th>Lasted</Table.Th>
            <Table.Th>Where</Table.Th>
            <Table.Th>Ended as</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {[...attempts].reverse().map((attempt) => (
            <Table.Tr key={attempt.number}>
              <Table.Td className="numbers">{attempt.number}</Table.Td>
              <Table.Td>
                <TimeAgo at={attempt.created_at} />
              </Table.Td>
              <Table.Td className="numbers">
                {attempt.started_at && attempt.ended_at ? formatDuration(secondsBetween(attempt.started_at, attempt.ended_at)) : "–"}
              </Table.Td>
              <Table.Td>{[attempt.site, attempt.executor].filter(Boolean).join(", ") || "–"}</Table.Td>
              <Table.Td>{attempt.ended_at ? attempt.reason || stateWord(attempt.state) : "–"}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Panel>
  );
}

function sayEvent(event: RunEvent): string {
  if (event.kind === "state" && event.state) {
    const word = stateWord(event.state);
    return event.message && event.message !== event.state ? `${word}: ${event.message}` : word;
  }
  // begins with the dataset's name, which stays as it is written
  if (event.kind === "dataset" && event.message) return event.message;
  return sentence(event.message || event.reason_code?.replaceAll("_", " ") || event.kind);
}
