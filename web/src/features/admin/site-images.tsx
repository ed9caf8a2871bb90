/** Images that a site has before the first launch: what was asked for, how far it is, and asking for more. */
import { Autocomplete, Box, Button, Group, Modal, Progress, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconDownload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { imagesQuery, usePullImage } from "@/api/images";
import { toolsQuery } from "@/api/tools";
import type { ImagePull, Site } from "@/api/types";
import { Panel, PanelRow } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { TimeAgo } from "@/components/time-ago";

export function SiteImages({ site }: { site: Site }) {
  const { data: found, error } = useQuery(imagesQuery(site.name));
  const [asking, ask] = useDisclosure(false);
  const canPull = site.runners.some((runner) => runner.executors.some(({ kind, available }) => kind === "docker" && available));
  if (!canPull && !found?.length) return null;
  return (
    <Box mt="md">
      <Text size="sm" fw={550} mb={6}>
        Images
      </Text>
      <Panel>
        {found?.map((item) => (
          <PanelRow key={item.id}>
            <ImageRow pull={item} site={site.name} />
          </PanelRow>
        ))}
        <PanelRow>
          <Group justify="space-between" gap="xs">
            <Text size="sm" c="dimmed">
              {found?.length ? "Tools whose images are here start at once." : "Fetch images before the first launch has to wait for them."}
            </Text>
            <Button size="compact-xs" variant="default" leftSection={<IconDownload size={13} aria-hidden />} onClick={ask.open} aria-label={`Pull an image to ${site.title || site.name}`}>
              Pull an image
            </Button>
          </Group>
        </PanelRow>
      </Panel>
      <ProblemAlert error={error} />
      {asking && <PullDialog site={site} onClose={ask.close} />}
    </Box>
  );
}

function ImageRow({ pull, site }: { pull: ImagePull; site: string }) {
  const again = usePullImage(site);
  const open = pull.state === "queued" || pull.state === "running";
  const failed = !open && pull.state !== "complete";
  return (
    <>
      <Group justify="space-between" gap="xs">
        <div style={{ flex: "1 1 16rem", minWidth: 0 }}>
          <Text size="sm" className="mono" style={{ overflowWrap: "anywhere" }}>
            {pull.image}
          </Text>
          <Text size="xs" c={failed ? "red" : "dimmed"} component="div" style={{ overflowWrap: "anywhere" }}>
            {pull.runner} · {sayState(pull)} · <TimeAgo at={pull.updated_at} />
          </Text>
        </div>
        {failed && (
          <Button size="compact-xs" variant="default" loading={again.isPending} onClick={() => again.mutate({ image: pull.image })} aria-label={`Pull ${pull.image} again`}>
            Try again
          </Button>
        )}
      </Group>
      {open && <Progress mt={6} value={pull.progress} size={6} animated aria-label={`${pull.image} at ${pull.runner}: ${Math.round(pull.progress)} %`} />}
      <ProblemAlert error={again.error} />
    </>
  );
}

function PullDialog({ site, onClose }: { site: Site; onClose: () => void }) {
  const pulling = usePullImage(site.name);
  const { data: tools } = useQuery(toolsQuery);
  const [wanted, setWanted] = useState("");
  const named = tools?.filter((tool) => tool.latest.spec.components.some(({ image }) => image)).map((tool) => tool.name) ?? [];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const text = wanted.trim();
    pulling.mutate(named.includes(text) ? { tool: text } : { image: text }, { onSuccess: onClose });
  };
  return (
    <Modal opened onClose={onClose} title={`Pull an image to ${site.title || site.name}`}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Autocomplete
            label="Tool or image"
            description="A tool's name stands for all its images. Every runner with a Docker Engine fetches them."
            placeholder="registry.example.org/lab:2026"
            data={named}
            required
            withAsterisk={false}
            data-autofocus
            value={wanted}
            onChange={setWanted}
          />
          <ProblemAlert error={pulling.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={pulling.isPending}>
              Pull
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function sayState({ state, progress, reason }: ImagePull): string {
  if (state === "queued") return "waits for its runner";
  if (state === "running") return `${Math.round(progress)} %`;
  if (state === "complete") return "there";
  return reason || state;
}
