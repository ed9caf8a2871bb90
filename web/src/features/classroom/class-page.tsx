/** A class: who of a group has launched, is ready, is stuck and why. */
import { Anchor, Group, Select, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useParams, useSearchParams } from "react-router";
import { classQuery } from "@/api/classroom";
import { toolsQuery } from "@/api/tools";
import type { ClassMember, ClassStanding } from "@/api/types";
import { CopyLine } from "@/components/copy-line";
import { EmptyState } from "@/components/empty-state";
import { Page } from "@/components/page";
import { Panel } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { RowSkeletons } from "@/components/row-skeletons";
import { TimeAgo } from "@/components/time-ago";
import { ClassActs } from "./class-acts";
import classes from "./class.module.css";

const WORDS: Record<ClassStanding, string> = {
  absent: "Not launched",
  waiting: "Waiting",
  starting: "Starting",
  stuck: "Stuck",
  ready: "Ready",
  running: "Running",
  stopped: "Stopped",
  ended: "Ended",
  failed: "Failed",
};
/** Those who need help first. */
const ORDER: ClassStanding[] = ["stuck", "failed", "waiting", "starting", "absent", "ready", "running", "stopped", "ended"];

export function ClassPage() {
  const { id = "" } = useParams();
  const [params, setParams] = useSearchParams();
  const [only, setOnly] = useState<ClassStanding | null>(null);
  const tool = params.get("tool");
  const { data: tools } = useQuery(toolsQuery);
  const { data, error, refetch } = useQuery(classQuery(id, tool));
  if (error && !data) return <ProblemAlert error={error} retry={() => void refetch()} />;
  if (!data) return <RowSkeletons label="Loading the class" />;
  const members = [...data.members].sort((a, b) => ORDER.indexOf(a.standing) - ORDER.indexOf(b.standing) || a.name.localeCompare(b.name));
  const shown = only ? members.filter((member) => member.standing === only) : members;
  return (
    <Page title={data.name} lead="How far everybody is. The page follows by itself." back={{ to: "/classes", label: "Classes" }}>
      <Group gap="sm" align="flex-end">
        <Select
          label="Tool"
          placeholder="Any interactive tool"
          data={(tools ?? []).map((item) => ({ value: item.name, label: item.title || item.name }))}
          value={tool}
          onChange={(value) => setParams(value ? { tool: value } : {}, { replace: true })}
          clearable
          searchable
          w="16rem"
        />
        <ClassActs id={id} name={data.name} tool={tool} counts={data.counts} />
      </Group>
      <div className={classes.counts} role="group" aria-label="How many stand where">
        {ORDER.filter((standing) => data.counts[standing]).map((standing) => (
          <button
            key={standing}
            type="button"
            className={classes.count}
            data-standing={standing}
            aria-pressed={only === standing}
            onClick={() => setOnly(only === standing ? null : standing)}
          >
            <strong className="numbers">{data.counts[standing]}</strong> {WORDS[standing].toLowerCase()}
          </button>
        ))}
      </div>
      <Panel scroll>
        <Table verticalSpacing={6} className={classes.table}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Who</Table.Th>
              <Table.Th>Stands</Table.Th>
              <Table.Th visibleFrom="sm">Since</Table.Th>
              <Table.Th>Why</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shown.map((member) => (
              <MemberRow key={member.account} member={member} />
            ))}
          </Table.Tbody>
        </Table>
      </Panel>
      {members.length === 0 && <EmptyState title="Nobody is in this group" />}
      {tool && (
        <div>
          <Text size="sm" mb={4}>
            Hand this out: whoever opens it launches {tool}.
          </Text>
          <CopyLine text={`${globalThis.location.origin}/launch?tool=${encodeURIComponent(tool)}`} label="Copy the link" />
        </div>
      )}
    </Page>
  );
}

function MemberRow({ member }: { member: ClassMember }) {
  return (
    <Table.Tr>
      <Table.Td>
        {member.display_name || member.name}
        {member.manager && (
          <Text span size="xs" c="dimmed">
            {" "}
            · manages
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <span className={classes.standing} data-standing={member.standing} data-testid="class-standing">
          {WORDS[member.standing]}
          {member.standing === "starting" && member.progress > 0 && ` ${Math.round(member.progress)} %`}
        </span>
      </Table.Td>
      <Table.Td visibleFrom="sm">{member.since ? <TimeAgo at={member.since} /> : ""}</Table.Td>
      <Table.Td>
        <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
          {member.reason}
          {member.run && !member.reason && (
            <>
              {member.tool}
              {member.site && ` at ${member.site}`}
            </>
          )}
        </Text>
      </Table.Td>
    </Table.Tr>
  );
}

export function ClassAnchor({ id, name }: { id: string; name: string }) {
  return (
    <Anchor component={Link} to={`/classes/${id}`}>
      {name}
    </Anchor>
  );
}
