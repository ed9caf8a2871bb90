/** How full a home is, as a bar with its figures. */
import { Box, Group, Progress, Text } from "@mantine/core";
import type { Home } from "@/api/types";
import { formatBytes } from "@/lib/format";

export function HomeSize({ home }: { home: Home }) {
  if (home.size_bytes === null) {
    return (
      <Text size="sm" c="dimmed">
        Not measured yet
      </Text>
    );
  }
  const share = home.quota_bytes ? Math.min(100, (home.size_bytes / home.quota_bytes) * 100) : 0;
  const figures = home.quota_bytes
    ? `${formatBytes(home.size_bytes)} of ${formatBytes(home.quota_bytes)}`
    : `${formatBytes(home.size_bytes)} · no limit`;
  return (
    <Box>
      <Group justify="space-between" gap="xs" mb={3}>
        <Text size="sm">In use</Text>
        <Text size="sm" c={share >= 100 ? "red" : "dimmed"} fw={share >= 100 ? 600 : undefined} className="numbers">
          {figures}
        </Text>
      </Group>
      {home.quota_bytes !== null && (
        <Progress value={share} size={8} color={share >= 100 ? "red" : share >= 85 ? "yellow" : "accent"} aria-label={`In use: ${figures}`} />
      )}
    </Box>
  );
}
