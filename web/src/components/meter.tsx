/** How much of something limited is in use, as a bar with its figures. */
import { Box, Group, Progress, Text } from "@mantine/core";
import { formatNumber } from "@/lib/format";

interface MeterProps {
  label: string;
  used: number;
  limit: number | null | undefined;
  unit?: string;
}

export function Meter({ label, used, limit, unit = "" }: MeterProps) {
  const share = limit ? Math.min(100, (used / limit) * 100) : 0;
  const figures = limit == null ? `${formatNumber(used)}${unit} · no limit` : `${formatNumber(used)} of ${formatNumber(limit)}${unit}`;
  return (
    <Box>
      <Group justify="space-between" gap="xs" wrap="nowrap" mb={3}>
        <Text size="sm">{label}</Text>
        <Text size="xs" c="dimmed" className="numbers">
          {figures}
        </Text>
      </Group>
      <Progress
        value={share}
        size={6}
        color={share >= 100 ? "red" : share >= 85 ? "yellow" : "accent"}
        aria-label={`${label}: ${figures}`}
      />
    </Box>
  );
}
