/** One runner: whether it answers, what it can do, how full it is, and what it runs. */
import { Anchor, Badge, Button, Group, SimpleGrid, Text, Tooltip } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Link } from "react-router";
import { useDrainRunner, useRemoveRunner } from "@/api/sites";
import type { Runner } from "@/api/types";
import { ConfirmButton } from "@/components/confirm-button";
import { Meter } from "@/components/meter";
import { ProblemAlert } from "@/components/problem-alert";
import { TimeAgo } from "@/components/time-ago";
import { plural } from "@/lib/format";
import { RunnerLabels } from "./runner-labels";

const COLORS = { online: "green", offline: "red", draining: "yellow" } as const;

export function RunnerRow({ runner }: { runner: Runner }) {
  const drain = useDrainRunner();
  const remove = useRemoveRunner();
  const [labelling, label] = useDisclosure(false);
  const draining = runner.state === "draining";
  return (
    <>
      <Group justify="space-between" gap="xs" mb="xs">
        <Group gap={8}>
          <Text fw={550}>{runner.name}</Text>
          <Badge color={COLORS[runner.state]}>{runner.state}</Badge>
          <Executors runner={runner} />
          {runner.labels.map((label) => (
            <Badge key={label} color="gray" variant="outline">
              {label}
            </Badge>
          ))}
        </Group>
        <Group gap="xs">
          <Button size="compact-xs" variant="default" onClick={label.open} aria-label={`Labels of ${runner.name}`}>
            Labels
          </Button>
          <Tooltip label="A draining runner finishes what it has and takes nothing new.">
            <Button size="compact-xs" variant="default" loading={drain.isPending} onClick={() => drain.mutate({ id: runner.id, draining: !draining })}>
              {draining ? "Take work again" : "Drain"}
            </Button>
          </Tooltip>
          {runner.state === "offline" && (
            <ConfirmButton
              size="compact-xs"
              label="Remove"
              confirm="Remove the runner"
              question={`Remove the runner ${runner.name}?`}
              error={remove.error}
              loading={remove.isPending}
              onConfirm={() => remove.mutateAsync(runner.id)}
            >
              Its token stops working. To bring it back it has to be invited again.
            </ConfirmButton>
          )}
        </Group>
      </Group>
      <SimpleGrid cols={{ base: 1, xs: runner.capacity.gpus > 0 ? 3 : 2 }} spacing="lg">
        <Meter label="CPUs" used={runner.used.cpus} limit={runner.capacity.cpus} />
        <Meter label="Memory" unit=" GB" used={runner.used.memory_gb} limit={runner.capacity.memory_gb} />
        {runner.capacity.gpus > 0 && <Meter label="GPUs" used={runner.used.gpus} limit={runner.capacity.gpus} />}
      </SimpleGrid>
      <Text size="xs" c="dimmed" mt="xs" component="div">
        <Group gap={6}>
          {runner.runs.length === 0 ? "runs nothing" : `${plural(runner.runs.length, "run")}:`}
          {runner.runs.slice(0, 6).map((run) => (
            <Anchor key={run} component={Link} to={`/runs/${run}`} size="xs" className="mono">
              …{run.slice(-6)}
            </Anchor>
          ))}
          · {runner.state === "offline" ? "last seen" : "heard"} <TimeAgo at={runner.last_seen_at} />
        </Group>
      </Text>
      <ProblemAlert error={drain.error} />
      {labelling && <RunnerLabels runner={runner} onClose={label.close} />}
    </>
  );
}

function Executors({ runner }: { runner: Runner }) {
  return runner.executors.map((executor) => (
    <Tooltip key={executor.kind} label={executor.available ? sayAbilities(executor) : executor.reason}>
      <Badge color={executor.available ? "accent" : "gray"} td={executor.available ? undefined : "line-through"}>
        {executor.kind}
      </Badge>
    </Tooltip>
  ));
}

function sayAbilities(executor: Runner["executors"][number]): string {
  const parts = [executor.can_mount ? "mounts data in place" : "copies data"];
  if (executor.can_attach) parts.push("attaches data while running");
  if (executor.single_tenant) parts.push("administrators only");
  if (executor.environments.length > 0) parts.push(`environments: ${executor.environments.join(", ")}`);
  return parts.join(" · ");
}
