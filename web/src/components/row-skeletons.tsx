/** The shape of a list before it arrives, so that nothing jumps when it does. */
import { Group, Skeleton, Stack } from "@mantine/core";
import { Panel, PanelRow } from "./panel";

export function RowSkeletons({ rows = 4, label = "Loading" }: { rows?: number; label?: string }) {
  return (
    <Panel>
      <div role="status" aria-label={label}>
        {Array.from({ length: rows }, (_, index) => (
          <PanelRow key={index}>
            <Group justify="space-between" wrap="nowrap">
              <Stack gap={8} style={{ flex: 1 }}>
                <Skeleton h={14} w={`${48 - (index % 3) * 9}%`} />
                <Skeleton h={11} w={`${34 - (index % 2) * 8}%`} />
              </Stack>
              <Skeleton h={28} w={84} radius="md" />
            </Group>
          </PanelRow>
        ))}
      </div>
    </Panel>
  );
}
