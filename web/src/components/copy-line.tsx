/** A line that people take elsewhere: an identifier, a command, a snippet. */
import { ActionIcon, Box, CopyButton, Group, Text, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";

interface CopyLineProps {
  text: string;
  /** what is copied, for those who do not see the icon: "Copy the command" */
  label: string;
  prompt?: string;
  wrap?: boolean;
}

export function CopyLine({ text, label, prompt, wrap }: CopyLineProps) {
  return (
    <Group
      gap="xs"
      wrap="nowrap"
      align="flex-start"
      px="sm"
      py={6}
      bg="var(--alongside-quiet)"
      style={{ border: "1px solid var(--alongside-line)", borderRadius: "var(--mantine-radius-md)" }}
    >
      <Box
        className="mono"
        component="code"
        fz="xs"
        tabIndex={0}
        style={{ flex: 1, minWidth: 0, overflowX: "auto", whiteSpace: wrap ? "pre-wrap" : "pre", lineHeight: "1.5rem" }}
      >
        {prompt && (
          <Text span c="dimmed" fz="inherit" ff="inherit" style={{ userSelect: "none" }}>
            {prompt}{" "}
          </Text>
        )}
        {text}
      </Box>
      <CopyIcon text={text} label={label} />
    </Group>
  );
}

export function CopyIcon({ text, label }: { text: string; label: string }) {
  return (
    <CopyButton value={text} timeout={1500}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? "Copied" : label}>
          <ActionIcon variant="subtle" color={copied ? "accent" : "gray"} size="sm" onClick={copy} aria-label={copied ? "Copied" : label}>
            {copied ? <IconCheck size={15} /> : <IconCopy size={15} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}
