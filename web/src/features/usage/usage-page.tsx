/** What was used, by whatever one asks: as bars, as a table to take away, and against budgets. */
import { Button, Group, Select, Stack, Table, Text, TextInput } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useSearchParams } from "react-router";
import { classGroupsQuery } from "@/api/classroom";
import type { UsageBy, UsageRow } from "@/api/types";
import { usageCsvAddress, usageQuery } from "@/api/usage";
import { EmptyState } from "@/components/empty-state";
import { Page } from "@/components/page";
import { Panel } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { RowSkeletons } from "@/components/row-skeletons";
import { Section } from "@/components/section";
import { formatBytes, formatNumber } from "@/lib/format";
import { Budgets } from "./budgets";
import classes from "./usage.module.css";

const BY: { value: UsageBy; label: string }[] = [
  { value: "tool", label: "Tool" },
  { value: "account", label: "Account" },
  { value: "group", label: "Group" },
  { value: "dataset", label: "Dataset" },
  { value: "site", label: "Site" },
  { value: "day", label: "Day" },
];

interface Measure {
  value: "cpu_hours" | "gpu_hours" | "memory_gb_hours" | "hours" | "staged_bytes" | "stored_bytes" | "starts";
  label: string;
  show: (value: number) => string;
}

const MEASURES: Measure[] = [
  { value: "cpu_hours", label: "CPU hours", show: formatNumber },
  { value: "gpu_hours", label: "GPU hours", show: formatNumber },
  { value: "memory_gb_hours", label: "GB hours of memory", show: formatNumber },
  { value: "hours", label: "Hours", show: formatNumber },
  { value: "starts", label: "Starts", show: String },
  { value: "staged_bytes", label: "Staged", show: formatBytes },
  { value: "stored_bytes", label: "Stored now", show: formatBytes },
];

const BARS_SHOWN = 40;
const DAY_MS = 86_400_000;

export function UsagePage() {
  const [params, setParams] = useSearchParams();
  const { data: groups } = useQuery(classGroupsQuery);
  const today = new Date();
  const wish = {
    by: BY.find((item) => item.value === params.get("by"))?.value ?? "tool",
    since: day(params.get("since")) ?? isoDay(new Date(today.getTime() - 30 * DAY_MS)),
    until: day(params.get("until")) ?? isoDay(today),
    group: params.get("group") ?? undefined,
  };
  const measure = MEASURES.find((item) => item.value === params.get("measure")) ?? (MEASURES[0] as Measure);
  const choose = (name: string, value: string | null) =>
    setParams(
      (before) => {
        if (value) before.set(name, value);
        else before.delete(name);
        return before;
      },
      { replace: true },
    );
  const { data, error, refetch } = useQuery(usageQuery(wish));
  return (
    <Page
      title="Usage"
      lead="What runs held, for as long as they held it. Days are those of UTC; what runs now is up to ten minutes old."
      actions={
        <Button component="a" href={usageCsvAddress(wish)} download variant="default" leftSection={<IconDownload size={16} aria-hidden />}>
          CSV
        </Button>
      }
    >
      <Group gap="sm" align="flex-end">
        <Select label="By" data={BY} value={wish.by} onChange={(value) => choose("by", value)} allowDeselect={false} w="9rem" />
        <Select
          label="Measure"
          data={MEASURES.map(({ value, label }) => ({ value, label }))}
          value={measure.value}
          onChange={(value) => choose("measure", value)}
          allowDeselect={false}
          w="12rem"
        />
        <TextInput type="date" label="From" value={wish.since} max={wish.until} onChange={(event) => choose("since", event.currentTarget.value)} />
        <TextInput type="date" label="To" value={wish.until} min={wish.since} onChange={(event) => choose("until", event.currentTarget.value)} />
        {groups && groups.length > 0 && (
          <Select
            label="Group"
            placeholder="Not only one"
            data={groups.map((group) => ({ value: group.id, label: group.name }))}
            value={wish.group ?? null}
            onChange={(value) => choose("group", value)}
            clearable
            w="12rem"
          />
        )}
      </Group>
      <ProblemAlert error={error} retry={() => void refetch()} />
      {!data && !error && <RowSkeletons label="Adding up" />}
      {data && data.rows.length === 0 && <EmptyState title="Nothing was used">In these days no run held anything.</EmptyState>}
      {data && data.rows.length > 0 && (
        <Stack gap="xl">
          <Bars rows={data.rows} measure={measure} />
          <Figures rows={data.rows} by={BY.find((item) => item.value === wish.by)?.label ?? ""} />
        </Stack>
      )}
      <Section title="Budgets">
        <Budgets />
      </Section>
    </Page>
  );
}

function Bars({ rows, measure }: { rows: readonly UsageRow[]; measure: Measure }) {
  const most = Math.max(...rows.map((row) => row[measure.value]), 0);
  return (
    <figure className={classes.figure}>
      <figcaption className={classes.caption}>{measure.label}</figcaption>
      <ul className={classes.bars}>
        {rows.slice(0, BARS_SHOWN).map((row) => (
          <li key={row.key} className={classes.row}>
            <span className={classes.name} title={row.name}>
              {row.name}
            </span>
            <span className={classes.track} aria-hidden>
              <span className={classes.bar} style={{ width: `${most > 0 ? (100 * row[measure.value]) / most : 0}%` }} />
            </span>
            <span className={`${classes.value} numbers`}>{measure.show(row[measure.value])}</span>
          </li>
        ))}
      </ul>
      {rows.length > BARS_SHOWN && (
        <Text size="xs" c="dimmed">
          And {rows.length - BARS_SHOWN} more in the table.
        </Text>
      )}
    </figure>
  );
}

function Figures({ rows, by }: { rows: readonly UsageRow[]; by: string }) {
  return (
    <Panel scroll>
      <Table verticalSpacing={6} className="numbers">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{by}</Table.Th>
            {MEASURES.map((item) => (
              <Table.Th key={item.value} ta="right" style={{ whiteSpace: "nowrap" }}>
                {item.label}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={row.key}>
              <Table.Td miw="9rem">{row.name}</Table.Td>
              {MEASURES.map((item) => (
                <Table.Td key={item.value} ta="right" style={{ whiteSpace: "nowrap" }}>
                  {item.show(row[item.value])}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Panel>
  );
}

function isoDay(moment: Date): string {
  return moment.toISOString().slice(0, 10);
}

function day(text: string | null): string | null {
  return text && /^\d{4}-\d{2}-\d{2}$/.test(text) ? text : null;
}
