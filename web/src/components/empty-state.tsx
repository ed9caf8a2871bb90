/** A place with nothing in it yet: says what belongs there and how it comes about. */
import { Box, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

interface EmptyStateProps {
  icon?: ReactNode;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}

export function EmptyState({ icon, title, children, action }: EmptyStateProps) {
  return (
    <Stack align="center" gap="xs" py="xl" px="md" ta="center" role="status">
      {icon && (
        <Box c="dimmed" aria-hidden>
          {icon}
        </Box>
      )}
      <Title order={2}>{title}</Title>
      {children && (
        <Text c="dimmed" maw="34rem" component="div">
          {children}
        </Text>
      )}
      {action && <Box mt="xs">{action}</Box>}
    </Stack>
  );
}
