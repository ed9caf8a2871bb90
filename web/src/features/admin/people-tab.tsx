/** People: who there is, what each may do, and a link for whoever has no password yet. */
import { Badge, Button, Group, Stack, Table, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconUserPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { accountsQuery } from "@/api/people";
import type { Account } from "@/api/types";
import { Panel } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { RowSkeletons } from "@/components/row-skeletons";
import { SearchBox } from "@/components/search-box";
import { TimeAgo } from "@/components/time-ago";
import { formatNumber, plural } from "@/lib/format";
import { AccountDialog } from "./account-dialog";
import { ApprovalQueue, Invitations } from "./admission-section";
import { AuditSection } from "./audit-section";
import { NewAccountDialog } from "./new-account-dialog";

export function PeopleTab() {
  const { data: accounts, error, refetch } = useQuery(accountsQuery);
  const [text, setText] = useState("");
  const [editing, setEditing] = useState<Account | null>(null);
  const [creating, create] = useDisclosure(false);
  if (error) return <ProblemAlert error={error} retry={() => void refetch()} />;
  if (!accounts) return <RowSkeletons label="Loading people" />;
  const shown = accounts.filter((account) => `${account.name} ${account.display_name} ${account.email ?? ""}`.toLowerCase().includes(text.toLowerCase()));
  return (
    <Stack gap="sm">
      <ApprovalQueue />
      <Group>
        <div style={{ flex: "1 1 14rem" }}>
          <SearchBox label="Search people" placeholder="Name or e-mail" value={text} onChange={setText} />
        </div>
        <Button leftSection={<IconUserPlus size={16} aria-hidden />} onClick={create.open}>
          Add a person
        </Button>
      </Group>
      <Panel scroll>
        <Table aria-label="People" highlightOnHover>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Name</Table.Th>
              <Table.Th>Role</Table.Th>
              <Table.Th visibleFrom="sm">Limits</Table.Th>
              <Table.Th visibleFrom="sm">Since</Table.Th>
              <Table.Th aria-label="Actions" />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shown.map((account) => (
              <Table.Tr key={account.id}>
                <Table.Td>
                  <Text fw={500}>{account.display_name || account.name}</Text>
                  <Text size="xs" c="dimmed">
                    {[account.name, account.email].filter(Boolean).join(" · ")}
                  </Text>
                </Table.Td>
                <Table.Td>
                  <Group gap={6}>
                    <Badge color={account.role === "admin" ? "accent" : "gray"}>{account.role}</Badge>
                    {!account.active && <Badge color="red">switched off</Badge>}
                    {account.standing !== "admitted" && <Badge color="yellow">{account.standing}</Badge>}
                    {account.guest && account.role !== "guest" && <Badge color="gray">guest</Badge>}
                  </Group>
                </Table.Td>
                <Table.Td visibleFrom="sm" className="numbers" c="dimmed">
                  {sayLimits(account)}
                </Table.Td>
                <Table.Td visibleFrom="sm" c="dimmed">
                  <TimeAgo at={account.created_at} />
                </Table.Td>
                <Table.Td ta="right">
                  <Button size="compact-sm" variant="default" onClick={() => setEditing(account)} aria-label={`Edit ${account.name}`}>
                    Edit
                  </Button>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Panel>
      <Invitations />
      <AuditSection />
      {editing && <AccountDialog account={editing} onClose={() => setEditing(null)} />}
      {creating && <NewAccountDialog onClose={create.close} />}
    </Stack>
  );
}

function sayLimits({ limits }: Account): string {
  const parts: string[] = [];
  if (limits.running != null) parts.push(plural(limits.running, "run"));
  if (limits.cpus != null) parts.push(`${formatNumber(limits.cpus)} cpus`);
  if (limits.memory_gb != null) parts.push(`${formatNumber(limits.memory_gb)} GB`);
  return parts.join(" · ") || "none";
}
