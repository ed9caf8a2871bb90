/** The frame of every page that one sees before one is signed in. */
import { Box, Card, Center, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { Banners } from "@/components/banners";
import { BrandMark } from "@/components/brand-mark";
import { useDocumentTitle } from "@/lib/use-document-title";

export function AuthFrame({ title, heading, lead, children }: { title: string; heading: string; lead?: ReactNode; children: ReactNode }) {
  useDocumentTitle(title);
  return (
    <Center mih="100vh" p="md" component="main" bg="var(--alongside-quiet)">
      <Box w="100%" maw={380} pb="8vh">
        <Banners />
        <Stack align="center" gap={10} mb="lg">
          <BrandMark size={40} />
          <Title order={1} ta="center">
            {heading}
          </Title>
          {lead && (
            <Text c="dimmed" ta="center">
              {lead}
            </Text>
          )}
        </Stack>
        <Card padding="lg" radius="lg">
          {children}
        </Card>
      </Box>
    </Center>
  );
}

/** A secret that a link carries behind its #, where no server on the way sees it. */
export function fromHash(hash: string, name: string): string | null {
  return new URLSearchParams(hash.slice(1)).get(name);
}
