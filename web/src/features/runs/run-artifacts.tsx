/** What a run produced: pictures as pictures, everything else by name and size. */
import { Anchor, Box, Group, Image, Modal, SimpleGrid, Table, Text, UnstyledButton } from "@mantine/core";
import { IconDownload, IconFile } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { runArtifactsQuery } from "@/api/runs";
import type { Artifact, Run } from "@/api/types";
import { Panel } from "@/components/panel";
import { Section } from "@/components/section";
import { formatBytes } from "@/lib/format";

export function RunArtifacts({ run }: { run: Run }) {
  const { data: artifacts } = useQuery(runArtifactsQuery(run.id));
  const [shown, setShown] = useState<Artifact | null>(null);
  if (!artifacts || artifacts.length === 0) return null;
  const pictures = artifacts.filter((artifact) => artifact.at_hub && /^image\/(png|jpeg|gif|webp)$/.test(artifact.media_type));
  return (
    <Section
      title="Outputs"
      aside={
        <Anchor component={Link} to={`/files?in=run/${run.id}`} size="sm">
          Open in Files
        </Anchor>
      }
    >
      {pictures.length > 0 && (
        <SimpleGrid cols={{ base: 1, xs: 2 }} mb="sm">
          {pictures.map((picture) => (
            <UnstyledButton key={picture.id} onClick={() => setShown(picture)} aria-label={`Show ${picture.path}`}>
              <Panel>
                <Image src={addressOf(picture)} alt={picture.path} fit="contain" h={210} bg="#fff" loading="lazy" />
              </Panel>
              <Text size="xs" c="dimmed" mt={4} className="mono">
                {picture.path}
              </Text>
            </UnstyledButton>
          ))}
        </SimpleGrid>
      )}
      <Panel scroll>
        <Table aria-label="Outputs">
          <Table.Tbody>
            {artifacts.map((artifact) => (
              <Table.Tr key={artifact.id}>
                <Table.Td>
                  <Group gap={8} wrap="nowrap">
                    <IconFile size={15} aria-hidden opacity={0.6} />
                    <Anchor href={addressOf(artifact)} target="_blank" rel="noopener" className="mono" size="sm">
                      {artifact.path}
                    </Anchor>
                  </Group>
                </Table.Td>
                <Table.Td c="dimmed" visibleFrom="xs">
                  {artifact.media_type}
                </Table.Td>
                <Table.Td className="numbers" ta="right" style={{ whiteSpace: "nowrap" }}>
                  {formatBytes(artifact.size_bytes)}
                </Table.Td>
                <Table.Td w={40}>
                  <Anchor href={addressOf(artifact)} download={nameOf(artifact)} aria-label={`Download ${artifact.path}`} c="dimmed">
                    <IconDownload size={16} style={{ display: "block" }} />
                  </Anchor>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Panel>
      <Modal opened={shown !== null} onClose={() => setShown(null)} title={shown?.path} size="xl">
        {shown && (
          <Box ta="center">
            <Image src={addressOf(shown)} alt={shown.path} fit="contain" mah="75vh" bg="#fff" />
          </Box>
        )}
      </Modal>
    </Section>
  );
}

function addressOf(artifact: Artifact): string {
  return `/api/v1/runs/${artifact.run}/artifacts/${artifact.path.split("/").map(encodeURIComponent).join("/")}`;
}

function nameOf(artifact: Artifact): string {
  return artifact.path.split("/").at(-1) ?? artifact.path;
}
