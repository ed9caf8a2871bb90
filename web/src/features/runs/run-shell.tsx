/** Shells in a run, several if wanted, and the ports on which its programs listen. */
import { Button, Group, Loader, Table, Text } from "@mantine/core";
import { IconPlus, IconTerminal2 } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Suspense, lazy, useState } from "react";
import { runPortsQuery } from "@/api/shells";
import type { Run } from "@/api/types";
import { Panel } from "@/components/panel";
import { Section } from "@/components/section";
import classes from "./run-shell.module.css";

const RunTerminal = lazy(() => import("./run-terminal"));
const MOST_SHELLS = 8;

export function RunShell({ run }: { run: Run }) {
  const [shells, setShells] = useState<number[]>([]);
  const [chosen, setChosen] = useState(0);
  if (run.state !== "running" && shells.length === 0) return null;
  const open = () => {
    const next = Math.max(0, ...shells) + 1;
    setShells([...shells, next]);
    setChosen(next);
  };
  const close = (number: number) => {
    const left = shells.filter((shell) => shell !== number);
    setShells(left);
    setChosen(left.at(-1) ?? 0);
  };
  return (
    <Section
      title="Shell"
      aside={
        run.state === "running" &&
        shells.length < MOST_SHELLS && (
          <Button
            size="compact-sm"
            variant="default"
            leftSection={shells.length ? <IconPlus size={14} aria-hidden /> : <IconTerminal2 size={14} aria-hidden />}
            onClick={open}
          >
            {shells.length ? "Another shell" : "Open a shell"}
          </Button>
        )
      }
    >
      {shells.length === 0 ? (
        <Text size="sm" c="dimmed">
          A terminal inside this run: its files, its packages, its user.
        </Text>
      ) : (
        <Panel>
          {shells.length > 1 && (
            <Group gap={4} className={classes.tabs} role="group" aria-label="Shells">
              {shells.map((number) => (
                <Button
                  key={number}
                  size="compact-xs"
                  variant={number === chosen ? "light" : "subtle"}
                  aria-pressed={number === chosen}
                  onClick={() => setChosen(number)}
                >
                  Shell {number}
                </Button>
              ))}
            </Group>
          )}
          <Suspense fallback={<Loader size="sm" m="md" aria-label="Loading the terminal" />}>
            {shells.map((number) => (
              <RunTerminal key={number} run={run.id} label={`Shell ${number}`} hidden={number !== chosen} onClose={() => close(number)} />
            ))}
          </Suspense>
        </Panel>
      )}
    </Section>
  );
}

export function RunPorts({ run }: { run: Run }) {
  const { data } = useQuery({ ...runPortsQuery(run.id), enabled: run.state === "running" });
  if (run.state !== "running" || !data?.items.length) return null;
  return (
    <Section title="Ports">
      <Panel>
        <Table verticalSpacing={6}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Port</Table.Th>
              <Table.Th>Address</Table.Th>
              <Table.Th>Program</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {data.items.map((port) => (
              <Table.Tr key={`${port.port} ${port.address}`}>
                <Table.Td className="mono">{port.port}</Table.Td>
                <Table.Td className="mono">{port.address}</Table.Td>
                <Table.Td>{port.program}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Panel>
    </Section>
  );
}
