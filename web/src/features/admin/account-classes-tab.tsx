/** Classes of accounts: limits that their members share unless an account has its own. */
import { Button, Group, Modal, NumberInput, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { accountClassesQuery, usePutAccountClass, useRemoveAccountClass } from "@/api/classes";
import type { AccountClass, Limits } from "@/api/types";
import { Panel, PanelRow } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { RowSkeletons } from "@/components/row-skeletons";
import { formatDuration, formatNumber, plural } from "@/lib/format";
import { ClassButtons } from "./class-buttons";

const HOUR_S = 3600;
const NONE: Limits = { running: null, cpus: null, memory_gb: null, gpus: null, lifetime_s: null, home_gb: null };

export function AccountClassesTab() {
  const { data: found, error, refetch } = useQuery(accountClassesQuery);
  const removing = useRemoveAccountClass();
  const [editing, setEditing] = useState<AccountClass | "new" | null>(null);
  if (error) return <ProblemAlert error={error} retry={() => void refetch()} />;
  if (!found) return <RowSkeletons label="Loading classes of accounts" />;
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Text size="sm" c="dimmed" style={{ flex: "1 1 16rem" }}>
          An account is in one class and has its limits, unless it has its own. Whoever is in no other is in “standard”.
        </Text>
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEditing("new")}>
          Add a class
        </Button>
      </Group>
      {found.length > 0 && (
        <Panel>
          {found.map((item) => (
            <PanelRow key={item.name}>
              <Group justify="space-between" gap="xs">
                <div style={{ flex: "1 1 14rem", minWidth: 0 }}>
                  <Text fw={550}>{item.title || item.name}</Text>
                  <Text size="xs" c="dimmed" className="numbers">
                    {[item.name, plural(item.accounts, "account"), sayLimits(item.limits)].join(" · ")}
                  </Text>
                </div>
                <ClassButtons name={item.name} onEdit={() => setEditing(item)} removing={removing}>
                  Only a class that no account is in can be removed.
                </ClassButtons>
              </Group>
            </PanelRow>
          ))}
        </Panel>
      )}
      {editing && <ClassDialog known={editing === "new" ? undefined : editing} onClose={() => setEditing(null)} />}
    </Stack>
  );
}

function ClassDialog({ known, onClose }: { known: AccountClass | undefined; onClose: () => void }) {
  const putting = usePutAccountClass();
  const [name, setName] = useState(known?.name ?? "");
  const [title, setTitle] = useState(known?.title ?? "");
  const [limits, setLimits] = useState<Limits>(known?.limits ?? NONE);
  const set = (part: keyof Limits, factor = 1) => (value: number | string) =>
    setLimits((before) => ({ ...before, [part]: typeof value === "number" ? value * factor : null }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    putting.mutate({ name, title, limits }, { onSuccess: onClose });
  };
  return (
    <Modal opened onClose={onClose} title={known ? `The class ${known.title || known.name}` : "A class of accounts"}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          {!known && <TextInput label="Name" placeholder="students" required withAsterisk={false} data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} />}
          <TextInput label="Title" placeholder="Students" value={title} onChange={(event) => setTitle(event.currentTarget.value)} />
          <SimpleGrid cols={{ base: 2, xs: 3 }}>
            <NumberInput label="Runs" placeholder="no limit" min={0} allowDecimal={false} value={limits.running ?? ""} onChange={set("running")} />
            <NumberInput label="CPUs" placeholder="no limit" min={0} value={limits.cpus ?? ""} onChange={set("cpus")} />
            <NumberInput label="Memory, GB" placeholder="no limit" min={0} value={limits.memory_gb ?? ""} onChange={set("memory_gb")} />
            <NumberInput label="GPUs" placeholder="no limit" min={0} allowDecimal={false} value={limits.gpus ?? ""} onChange={set("gpus")} />
            <NumberInput label="Lifetime, hours" placeholder="no limit" min={0} value={limits.lifetime_s ? limits.lifetime_s / HOUR_S : ""} onChange={set("lifetime_s", HOUR_S)} />
            <NumberInput label="Home, GB" placeholder="no limit" min={0} value={limits.home_gb ?? ""} onChange={set("home_gb")} />
          </SimpleGrid>
          <ProblemAlert error={putting.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={putting.isPending}>
              {known ? "Save" : "Add"}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function sayLimits(limits: Limits): string {
  const parts = [
    limits.running != null && plural(limits.running, "run"),
    limits.cpus != null && `${formatNumber(limits.cpus)} cpus`,
    limits.memory_gb != null && `${formatNumber(limits.memory_gb)} GB memory`,
    limits.gpus != null && plural(limits.gpus, "gpu"),
    limits.lifetime_s != null && `runs of ${formatDuration(limits.lifetime_s)}`,
    limits.home_gb != null && `${formatNumber(limits.home_gb)} GB home`,
  ].filter(Boolean);
  return parts.join(", ") || "no limits of its own";
}
