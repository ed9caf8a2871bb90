/** Groups: who belongs together. */
import { Button, Group as Row, MultiSelect, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { accountsQuery, groupsQuery, useCreateGroup, useDeleteGroup, useGroupMember } from "@/api/people";
import type { Account, Group } from "@/api/types";
import { ConfirmButton } from "@/components/confirm-button";
import { Panel, PanelRow } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { RowSkeletons } from "@/components/row-skeletons";

export function GroupsTab() {
  const { data: groups, error, refetch } = useQuery(groupsQuery);
  const { data: accounts } = useQuery(accountsQuery);
  const creating = useCreateGroup();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    creating.mutate(String(new FormData(form).get("name")).trim(), { onSuccess: () => form.reset() });
  };
  if (error) return <ProblemAlert error={error} retry={() => void refetch()} />;
  if (!groups) return <RowSkeletons label="Loading groups" />;
  return (
    <Stack gap="md">
      <Text c="dimmed" size="sm">
        A tag granted to a group is granted to everyone in it.
      </Text>
      {groups.length > 0 && (
        <Panel>
          {groups.map((group) => (
            <PanelRow key={group.id}>
              <GroupRow group={group} accounts={accounts ?? []} />
            </PanelRow>
          ))}
        </Panel>
      )}
      <form onSubmit={submit}>
        <Row align="flex-end" gap="xs">
          <TextInput name="name" label="New group" placeholder="lidar-course" required withAsterisk={false} />
          <Button type="submit" variant="default" loading={creating.isPending}>
            Add the group
          </Button>
        </Row>
      </form>
      <ProblemAlert error={creating.error} />
    </Stack>
  );
}

function GroupRow({ group, accounts }: { group: Group; accounts: readonly Account[] }) {
  const membership = useGroupMember();
  const deleting = useDeleteGroup();
  const change = (members: string[]) => {
    for (const account_id of members.filter((id) => !group.members.includes(id))) membership.mutate({ group_id: group.id, account_id, member: true });
    for (const account_id of group.members.filter((id) => !members.includes(id))) membership.mutate({ group_id: group.id, account_id, member: false });
  };
  const manage = (managers: string[]) => {
    for (const account_id of group.members.filter((id) => managers.includes(id) !== group.managers.includes(id))) {
      membership.mutate({ group_id: group.id, account_id, member: true, manager: managers.includes(account_id) });
    }
  };
  return (
    <Row align="flex-end" gap="sm">
      <MultiSelect
        label={group.name}
        placeholder={group.members.length === 0 ? "Nobody yet" : undefined}
        data={accounts.map((account) => ({ value: account.id, label: account.display_name || account.name }))}
        value={[...group.members]}
        onChange={change}
        searchable
        hidePickedOptions
        style={{ flex: "1 1 16rem" }}
      />
      <MultiSelect
        label="Managers"
        description="See and steer what the group does"
        placeholder={group.managers.length === 0 ? "Nobody" : undefined}
        data={accounts.filter((account) => group.members.includes(account.id)).map((account) => ({ value: account.id, label: account.display_name || account.name }))}
        value={[...group.managers]}
        onChange={manage}
        aria-label={`Managers of ${group.name}`}
        hidePickedOptions
        style={{ flex: "1 1 10rem" }}
      />
      <ConfirmButton
        label="Delete"
        confirm="Delete the group"
        question={`Delete the group ${group.name}?`}
        error={deleting.error}
        loading={deleting.isPending}
        onConfirm={() => deleting.mutateAsync(group.id)}
      >
        Its members lose the tags that they held only through it. Their accounts stay.
      </ConfirmButton>
      <ProblemAlert error={membership.error} />
    </Row>
  );
}
