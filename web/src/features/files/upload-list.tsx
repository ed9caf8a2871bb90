/** Uploads under way, and those that need a word. */
import { ActionIcon, Button, Group, Progress, Stack, Text } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { Panel, PanelRow } from "@/components/panel";
import { formatBytes } from "@/lib/format";
import type { Upload, useUploads } from "./use-uploads";

const WORDS: Record<Upload["state"], string> = {
  waiting: "waiting",
  going: "uploading",
  complete: "uploaded",
  broken: "broken off",
  exists: "already there",
  stopped: "stopped",
};

export function UploadList({ uploads: { uploads, again, stop, clear } }: { uploads: ReturnType<typeof useUploads> }) {
  if (uploads.length === 0) return null;
  const over = uploads.every(({ state }) => state !== "going" && state !== "waiting");
  return (
    <Panel>
      <div role="list" aria-label="Uploads">
        {uploads.slice(-8).map((upload) => (
          <PanelRow key={upload.id}>
            <Stack gap={4} role="listitem" aria-label={upload.file.name}>
              <Group justify="space-between" gap="xs">
                <Text size="sm" style={{ overflowWrap: "anywhere" }}>
                  {upload.file.name}{" "}
                  <Text span size="xs" c={upload.state === "broken" || upload.state === "exists" ? "red" : "dimmed"}>
                    {WORDS[upload.state]} · {formatBytes(upload.done)} of {formatBytes(upload.file.size)}
                  </Text>
                </Text>
                {(upload.state === "broken" || upload.state === "stopped") && (
                  <Button size="compact-xs" variant="light" onClick={() => again(upload, false)}>
                    Resume
                  </Button>
                )}
                {upload.state === "exists" && (
                  <Button size="compact-xs" variant="light" onClick={() => again(upload, true)}>
                    Replace it
                  </Button>
                )}
                {(upload.state === "going" || upload.state === "waiting") && (
                  <ActionIcon size="sm" variant="subtle" color="gray" aria-label={`Stop ${upload.file.name}`} onClick={() => stop(upload)}>
                    <IconX size={14} />
                  </ActionIcon>
                )}
              </Group>
              {upload.state === "going" && <Progress size="xs" value={upload.file.size ? (100 * upload.done) / upload.file.size : 100} aria-label={`${upload.file.name} uploading`} />}
              {upload.state === "broken" && (
                <Text size="xs" c="dimmed">
                  {upload.reason}
                </Text>
              )}
            </Stack>
          </PanelRow>
        ))}
      </div>
      {over && (
        <PanelRow>
          <Button size="compact-xs" variant="subtle" onClick={clear}>
            Clear the list
          </Button>
        </PanelRow>
      )}
    </Panel>
  );
}
