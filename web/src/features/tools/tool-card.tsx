/** One tool of the catalogue. */
import { Badge, Box, Button, Card, Group, Text } from "@mantine/core";
import { IconBan, IconRocket } from "@tabler/icons-react";
import { Link } from "react-router";
import type { Tool } from "@/api/types";
import { ToolIcon } from "@/components/tool-icon";
import { formatResources } from "@/lib/format";
import { useLauncher } from "@/lib/launcher";

export function ToolCard({ tool }: { tool: Tool }) {
  const launch = useLauncher();
  const title = tool.title || tool.name;
  return (
    <Card role="listitem" radius="lg" style={{ display: "flex", flexDirection: "column", gap: "0.6rem" }}>
      <Group wrap="nowrap" gap="sm">
        <ToolIcon tool={tool} />
        <Box style={{ minWidth: 0 }}>
          <Link to={`/tools/${tool.name}`} className="plain">
            <Text fw={600} span>
              {title}
            </Text>
          </Link>
          <Text size="xs" c="dimmed" className="numbers">
            {tool.kind === "task" ? "task" : "interactive"} · {tool.latest.spec.version}
          </Text>
        </Box>
      </Group>
      <Text size="sm" c="dimmed" lineClamp={3} style={{ flex: 1 }}>
        {tool.description || "No description."}
      </Text>
      {!tool.runnable.ok && (
        <Group gap={6} wrap="nowrap" align="flex-start" c="light-dark(#8a5a00, #f0b429)">
          <IconBan size={15} aria-hidden style={{ flex: "none", marginTop: 2 }} />
          <Text size="xs">{tool.runnable.reason}</Text>
        </Group>
      )}
      <Group justify="space-between" gap="xs">
        <Group gap={6}>
          {tool.runnable.ok && (
            <Text size="xs" c="dimmed">
              {formatResources(tool.latest.spec.resources)}
            </Text>
          )}
          {tool.tags.map((tag) => (
            <Badge key={tag} color="gray">
              {tag}
            </Badge>
          ))}
        </Group>
        <Button
          size="xs"
          variant={tool.runnable.ok ? "light" : "default"}
          disabled={!tool.runnable.ok}
          leftSection={<IconRocket size={14} aria-hidden />}
          aria-label={`Launch ${title}`}
          onClick={() => launch({ tool: tool.name })}
        >
          Launch
        </Button>
      </Group>
    </Card>
  );
}
