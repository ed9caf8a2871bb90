/** The frame of every page: its title, what it is about, and its actions. */
import { Anchor, Box, Group, Stack, Text, Title } from "@mantine/core";
import { IconChevronLeft } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { useDocumentTitle } from "@/lib/use-document-title";

interface PageProps {
  title: string;
  /** shown in place of the plain title, where it needs more than text */
  heading?: ReactNode;
  lead?: ReactNode;
  actions?: ReactNode;
  back?: { to: string; label: string };
  children: ReactNode;
}

export function Page({ title, heading, lead, actions, back, children }: PageProps) {
  useDocumentTitle(title);
  return (
    <Stack gap="lg" maw="var(--alongside-content-width)" mx="auto">
      <Box>
        {back && (
          <Anchor component={Link} to={back.to} size="sm" c="dimmed" mb={6} display="inline-flex" style={{ alignItems: "center", gap: 2 }}>
            <IconChevronLeft size={14} aria-hidden />
            {back.label}
          </Anchor>
        )}
        <Group justify="space-between" align="flex-start" gap="sm">
          <Box style={{ flex: "1 1 18rem", minWidth: 0 }}>
            {heading ?? (
              <Title order={1} style={{ overflowWrap: "anywhere" }}>
                {title}
              </Title>
            )}
            {lead && (
              <Text c="dimmed" mt={4} component="div" maw="46rem">
                {lead}
              </Text>
            )}
          </Box>
          {actions && <Group gap="xs">{actions}</Group>}
        </Group>
      </Box>
      {children}
    </Stack>
  );
}
