/** Changes what a person may do: role, limits, whether they may sign in; makes a one-time sign-in link. */
import { Alert, Button, Group, Modal, NumberInput, Select, SimpleGrid, Stack, Switch, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useLookAs } from "@/api/admission";
import { accountClassesQuery } from "@/api/classes";
import { useEditAccount, useSignInLink } from "@/api/people";
import type { Account, Role } from "@/api/types";
import { CopyLine } from "@/components/copy-line";
import { ProblemAlert } from "@/components/problem-alert";
import { TimeAgo } from "@/components/time-ago";
import { classChoices, ROLES } from "./roles";

export function AccountDialog({ account, onClose }: { account: Account; onClose: () => void }) {
  const editing = useEditAccount();
  const link = useSignInLink();
  const looking = useLookAs();
  const client = useQueryClient();
  const [role, setRole] = useState<Role>(account.role);
  const [active, setActive] = useState(account.active);
  const { data: known } = useQuery(accountClassesQuery);
  const [accountClass, setAccountClass] = useState(account.account_class);
  const [limits, setLimits] = useState(account.limits);
  const setLimit = (name: keyof Account["limits"]) => (value: number | string) =>
    setLimits((before) => ({ ...before, [name]: typeof value === "number" ? value : null }));
  const look = () =>
    looking.mutate(account.id, {
      onSuccess: () => {
        client.clear();
        globalThis.location.assign("/runs");
      },
    });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    editing.mutate({ id: account.id, edit: { role, active, limits, account_class: accountClass } }, { onSuccess: onClose });
  };
  return (
    <Modal opened onClose={onClose} title={account.display_name || account.name}>
      <form onSubmit={submit}>
        <Stack>
          <Select label="Role" data={ROLES} value={role} onChange={(value) => value && setRole(value as Role)} allowDeselect={false} />
          <Select
            label="Account class"
            description="Its limits hold where nothing is said below."
            data={classChoices(known, account.account_class)}
            value={accountClass}
            onChange={(value) => value && setAccountClass(value)}
            allowDeselect={false}
          />
          <div>
            <Text size="sm" fw={500}>
              At a time at most
            </Text>
            <SimpleGrid cols={3} mt={4}>
              <NumberInput label="Runs" placeholder="no limit" min={0} allowDecimal={false} value={limits.running ?? ""} onChange={setLimit("running")} />
              <NumberInput label="CPUs" placeholder="no limit" min={0} value={limits.cpus ?? ""} onChange={setLimit("cpus")} />
              <NumberInput label="Memory, GB" placeholder="no limit" min={0} value={limits.memory_gb ?? ""} onChange={setLimit("memory_gb")} />
            </SimpleGrid>
          </div>
          <Switch label="May sign in" checked={active} onChange={(event) => setActive(event.currentTarget.checked)} />
          {link.data ? (
            <Alert color="accent" title="Signs in once">
              <CopyLine text={link.data.url} label="Copy the sign-in link" />
              <Text size="xs" c="dimmed" mt={4}>
                Expires <TimeAgo at={link.data.expires_at} />
              </Text>
            </Alert>
          ) : (
            <Button variant="default" onClick={() => link.mutate(account.id)} loading={link.isPending} style={{ alignSelf: "flex-start" }}>
              Make a one-time sign-in link
            </Button>
          )}
          {account.role !== "admin" && account.active && (
            <div>
              <Button variant="default" onClick={look} loading={looking.isPending}>
                Look as {account.display_name || account.name}
              </Button>
              <Text size="xs" c="dimmed" mt={4}>
                You see what they see, change nothing, and it is written down.
              </Text>
            </div>
          )}
          <ProblemAlert error={editing.error ?? link.error ?? looking.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={editing.isPending}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
