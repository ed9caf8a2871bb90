/** Runs of others: those that are shared with me, to open and no more. */
import { Group, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { sharedRunQuery, sharedRunsQuery } from "@/api/shares";
import type { SharedRun } from "@/api/types";
import { OpenRunButton } from "@/components/open-run-button";
import { Page } from "@/components/page";
import { Panel, PanelRow } from "@/components/panel";
import { RowSkeletons } from "@/components/row-skeletons";
import { Section } from "@/components/section";
import { WordBadge } from "@/components/word-badge";
import { EndsAt } from "./run-ends";

const BACK = { to: "/runs", label: "Runs" };

export function SharedRuns() {
  const { data: runs } = useQuery(sharedRunsQuery);
  if (!runs || runs.length === 0) return null;
  return (
    <Section title="Shared with you">
      <Panel>
        {runs.map((run) => (
          <PanelRow key={run.id}>
            <Group gap="sm">
              <div style={{ flex: "1 1 12rem", minWidth: 0 }}>
                <Link to={`/runs/${run.id}`} className="plain">
                  <Text span fw={550}>
                    {run.title}
                  </Text>
                </Link>
                <Text size="xs" c="dimmed">
                  {run.tool} of {run.owner}
                  <Until run={run} />
                </Text>
              </div>
              <Badge run={run} />
              {run.ready && <OpenRunButton run={run} size="compact-sm" variant="default" />}
            </Group>
          </PanelRow>
        ))}
      </Panel>
    </Section>
  );
}

/** The page of a run that is not mine: `instead` when it is not shared with me either. */
export function SharedRunPage({ id, instead }: { id: string; instead: React.ReactNode }) {
  const { data: run, error } = useQuery(sharedRunQuery(id));
  if (error) return instead;
  if (!run) {
    return (
      <Page title="Run" back={BACK}>
        <RowSkeletons rows={2} label="Loading the run" />
      </Page>
    );
  }
  return (
    <Page
      title={`${run.word}: ${run.title}`}
      back={BACK}
      heading={
        <Group gap="md" align="baseline">
          <Title order={1}>{run.title}</Title>
          <Badge run={run} />
        </Group>
      }
      lead={
        <>
          {run.tool} of {run.owner}, shared with you
          <Until run={run} />
        </>
      }
      actions={run.ready && <OpenRunButton run={run} />}
    >
      <Stack maw={640}>
        <Text size="sm">
          {run.ready
            ? `You work in it as ${run.owner} does, on the same files. Only ${run.owner} can stop it or let others in.`
            : `It cannot be opened now: ${run.owner} has to start it. This page says so as soon as it is ready.`}
        </Text>
      </Stack>
    </Page>
  );
}

function Badge({ run }: { run: SharedRun }) {
  return <WordBadge run={{ word: run.word, reason: "", reason_code: null }} />;
}

function Until({ run }: { run: SharedRun }) {
  return run.expires_at ? (
    <>
      {" · until "}
      <EndsAt at={run.expires_at} />
    </>
  ) : null;
}
