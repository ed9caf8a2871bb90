/** Budgets: how much of each is used, and for administrators their making. */
import { Button, Group, NumberInput, Select, Stack, Switch, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { accountsQuery, groupsQuery } from "@/api/people";
import { faultOf } from "@/api/problem";
import { meQuery } from "@/api/session";
import type { BudgetState, NewBudget } from "@/api/types";
import { budgetsQuery, useAddBudget, useRemoveBudget } from "@/api/usage";
import { ConfirmButton } from "@/components/confirm-button";
import { Meter } from "@/components/meter";
import { Panel, PanelRow } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { formatMoment } from "@/lib/format";
import { useNow } from "@/lib/use-now";

const MEASURES: Record<NewBudget["measure"], string> = {
  cpu_hours: "CPU hours",
  gpu_hours: "GPU hours",
  memory_gb_hours: "GB hours of memory",
};

export function Budgets() {
  const { data: me } = useQuery(meQuery);
  const { data, error, refetch } = useQuery(budgetsQuery);
  const admin = me?.account.role === "admin";
  return (
    <Stack gap="md">
      <ProblemAlert error={error} retry={() => void refetch()} />
      {data && data.length === 0 && (
        <Text size="sm" c="dimmed">
          No budget limits what you use.
        </Text>
      )}
      {data && data.length > 0 && (
        <Panel>
          {data.map((state) => (
            <PanelRow key={state.budget.id}>
              <BudgetRow state={state} admin={admin} />
            </PanelRow>
          ))}
        </Panel>
      )}
      {admin && <NewBudgetForm />}
    </Stack>
  );
}

function BudgetRow({ state, admin }: { state: BudgetState; admin: boolean }) {
  const now = useNow();
  const removing = useRemoveBudget();
  const { budget } = state;
  const whose = budget.scope === "everyone" ? "Everyone" : budget.subject_name;
  const label = `${whose}: ${MEASURES[budget.measure]}${budget.period === "month" ? " this month" : ""}`;
  return (
    <Group gap="md" align="center">
      <div style={{ flex: "1 1 14rem" }}>
        <Meter label={label} used={state.used} limit={budget.amount} />
        <Text size="xs" c="dimmed">
          {budget.stop ? "At its end nothing new is launched and tools are paused." : "At its end it only warns."}{" "}
          {state.runs_out_at && state.used < budget.amount && `At this pace it is used up ${formatMoment(state.runs_out_at, now)}.`}
        </Text>
      </div>
      {admin && (
        <ConfirmButton
          size="xs"
          label="Remove"
          confirm="Remove the budget"
          question={`Remove the budget of ${whose}?`}
          error={removing.error}
          loading={removing.isPending}
          onConfirm={() => removing.mutateAsync(budget.id)}
        >
          What was used stays on record; nothing limits it any more.
        </ConfirmButton>
      )}
    </Group>
  );
}

function NewBudgetForm() {
  const { data: accounts } = useQuery(accountsQuery);
  const { data: groups } = useQuery(groupsQuery);
  const adding = useAddBudget();
  const [whose, setWhose] = useState<string | null>("everyone:");
  const [stop, setStop] = useState(true);
  const subjects = [
    { group: "All", items: [{ value: "everyone:", label: "Everyone" }] },
    { group: "Groups", items: (groups ?? []).map((group) => ({ value: `group:${group.id}`, label: group.name })) },
    { group: "Accounts", items: (accounts ?? []).map((account) => ({ value: `account:${account.id}`, label: account.display_name || account.name })) },
  ];
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [scope, subject] = (whose ?? "everyone:").split(":") as [NewBudget["scope"], string];
    adding.mutate({
      scope,
      subject,
      amount: Number(String(form.get("amount")).replaceAll(",", "")),
      measure: String(form.get("measure")) as NewBudget["measure"],
      period: String(form.get("period")) as NewBudget["period"],
      warn_at: 0.8,
      stop,
    });
  };
  return (
    <form onSubmit={submit}>
      <Group align="flex-end" gap="sm">
        <Select label="New budget for" data={subjects} value={whose} onChange={setWhose} allowDeselect={false} searchable w="12rem" />
        <NumberInput name="amount" label="Amount" min={0} required withAsterisk={false} w="8rem" error={faultOf(adding.error, "amount")} />
        <Select
          name="measure"
          label="Of"
          data={Object.entries(MEASURES).map(([value, label]) => ({ value, label }))}
          defaultValue="cpu_hours"
          allowDeselect={false}
          w="12rem"
        />
        <Select
          name="period"
          label="Each"
          data={[
            { value: "month", label: "Month" },
            { value: "total", label: "In all" },
          ]}
          defaultValue="month"
          allowDeselect={false}
          w="7rem"
        />
        <Switch label="Stops" checked={stop} onChange={(event) => setStop(event.currentTarget.checked)} mb={8} />
        <Button type="submit" variant="default" loading={adding.isPending}>
          Add the budget
        </Button>
      </Group>
      <ProblemAlert error={adding.error} />
    </form>
  );
}
