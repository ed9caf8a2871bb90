/** The groups that one looks after. */
import { Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { classGroupsQuery } from "@/api/classroom";
import { EmptyState } from "@/components/empty-state";
import { Page } from "@/components/page";
import { Panel, PanelRow } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { RowSkeletons } from "@/components/row-skeletons";
import { plural } from "@/lib/format";
import { ClassAnchor } from "./class-page";

export function ClassesPage() {
  const { data, error, refetch } = useQuery(classGroupsQuery);
  return (
    <Page title="Classes" lead="Groups that you manage: who has launched, is ready or is stuck.">
      <ProblemAlert error={error} retry={() => void refetch()} />
      {!data && !error && <RowSkeletons label="Loading the classes" />}
      {data && data.length === 0 && <EmptyState title="You manage no group">An administrator makes you the manager of one.</EmptyState>}
      {data && data.length > 0 && (
        <Panel>
          {data.map((group) => (
            <PanelRow key={group.id}>
              <Group justify="space-between">
                <ClassAnchor id={group.id} name={group.name} />
                <Text size="sm" c="dimmed">
                  {plural(group.members, "member")}
                </Text>
              </Group>
            </PanelRow>
          ))}
        </Panel>
      )}
    </Page>
  );
}
