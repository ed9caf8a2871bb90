/** Which tool to launch: every tool as a radio card, those that cannot run anywhere say why. */
import { Badge, Group, Radio, Skeleton, Stack, Text } from "@mantine/core";
import type { Tool } from "@/api/types";
import { ToolIcon } from "@/components/tool-icon";
import classes from "./tool-choice.module.css";

interface ToolChoiceProps {
  tools: readonly Tool[] | undefined;
  value: string | undefined;
  onChange: (name: string) => void;
}

export function ToolChoice({ tools, value, onChange }: ToolChoiceProps) {
  if (!tools) return <Skeleton h={132} />;
  const ordered = [...tools].sort((a, b) => Number(b.runnable.ok) - Number(a.runnable.ok) || a.kind.localeCompare(b.kind));
  return (
    <Radio.Group value={value ?? null} onChange={onChange} label="Tool">
      <Stack gap={6} mt={6} mah={290} style={{ overflowY: "auto" }}>
        {ordered.map((tool) => (
          <Radio.Card key={tool.name} value={tool.name} className={classes.card} aria-label={tool.title || tool.name} disabled={!tool.runnable.ok}>
            <Group wrap="nowrap" gap="sm">
              <ToolIcon tool={tool} size={30} />
              <div style={{ flex: 1, minWidth: 0 }}>
                <Group gap={8}>
                  <Text fw={550}>{tool.title || tool.name}</Text>
                  {tool.kind === "task" && <Badge color="gray">task</Badge>}
                </Group>
                <Text size="xs" c="dimmed" lineClamp={1}>
                  {tool.runnable.ok ? tool.description : tool.runnable.reason}
                </Text>
              </div>
              <Radio.Indicator />
            </Group>
          </Radio.Card>
        ))}
      </Stack>
    </Radio.Group>
  );
}
