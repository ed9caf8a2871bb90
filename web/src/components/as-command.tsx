/** "The same as a command": the line that does in a terminal what this page does. */
import { Box, Text } from "@mantine/core";
import { CopyLine } from "./copy-line";

export function AsCommand({ lines }: { lines: readonly string[] }) {
  return (
    <Box>
      <Text size="xs" c="dimmed" mb={4}>
        The same as a command
      </Text>
      <CopyLine text={lines.join("\n")} label="Copy the command" prompt={lines.length === 1 ? "$" : undefined} />
    </Box>
  );
}
