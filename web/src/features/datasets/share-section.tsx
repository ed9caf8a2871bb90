/** How others launch this dataset: a link, a badge for a README or a data page, a bookmark for any page. */
import { Anchor, Box, Group, Select, Stack, Tabs, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconBookmark } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { type MouseEvent, useCallback, useState } from "react";
import { toolsQuery } from "@/api/tools";
import { CopyLine } from "@/components/copy-line";
import { Section } from "@/components/section";
import { launchPath } from "@/lib/launch-link";
import { bookmarklet, shareOf } from "@/lib/share";

export function ShareSection({ identifier }: { identifier: string }) {
  const { data: tools } = useQuery(toolsQuery);
  const [tool, setTool] = useState<string | null>(null);
  const chosen = tools?.find((candidate) => candidate.name === tool);
  const label = chosen ? `launch ${chosen.title || chosen.name}` : "launch beside the data";
  const origin = globalThis.location.origin;
  const share = shareOf(origin, launchPath({ identifiers: [identifier], tool: tool ?? undefined }), label);
  return (
    <Section
      title="Share a launch link"
      aside={
        <Select
          size="xs"
          w={190}
          aria-label="Tool of the launch link"
          placeholder="Any tool"
          clearable
          data={tools?.map((known) => ({ value: known.name, label: known.title || known.name })) ?? []}
          value={tool}
          onChange={setTool}
        />
      }
    >
      <Tabs defaultValue="link" keepMounted={false}>
        <Tabs.List mb="sm">
          <Tabs.Tab value="link">Link</Tabs.Tab>
          <Tabs.Tab value="badge">Badge</Tabs.Tab>
          <Tabs.Tab value="bookmarklet">Bookmarklet</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="link">
          <CopyLine text={share.link} label="Copy the launch link" />
          <Text size="xs" c="dimmed" mt={6}>
            Whoever follows it sees what would run, and where, before anything starts.
          </Text>
        </Tabs.Panel>
        <Tabs.Panel value="badge">
          <Stack gap="xs">
            <img src={share.badge.slice(origin.length)} alt={label} height={20} style={{ alignSelf: "flex-start" }} />
            <Text size="xs" c="dimmed">
              Markdown
            </Text>
            <CopyLine text={share.markdown} label="Copy the Markdown snippet" />
            <Text size="xs" c="dimmed">
              HTML
            </Text>
            <CopyLine text={share.html} label="Copy the HTML snippet" />
          </Stack>
        </Tabs.Panel>
        <Tabs.Panel value="bookmarklet">
          <Bookmarklet />
        </Tabs.Panel>
      </Tabs>
    </Section>
  );
}

function Bookmarklet() {
  const code = bookmarklet(globalThis.location.origin);
  // React refuses javascript: addresses, rightly; this one is ours, and is meant to be dragged, not followed.
  const arm = useCallback((link: HTMLAnchorElement | null) => link?.setAttribute("href", code), [code]);
  const explain = (event: MouseEvent) => {
    event.preventDefault();
    notifications.show({ message: "Drag it to the bookmarks bar; press it there, on any page of a dataset." });
  };
  return (
    <Group align="flex-start" gap="md">
      <Anchor
        ref={arm}
        onClick={explain}
        underline="never"
        px="sm"
        py={5}
        fw={550}
        style={{ border: "1px dashed var(--mantine-color-dimmed)", borderRadius: "var(--mantine-radius-md)", display: "inline-flex", gap: 6, cursor: "grab" }}
      >
        <IconBookmark size={18} aria-hidden />
        Launch alongside
      </Anchor>
      <Box style={{ flex: "1 1 16rem" }}>
        <Text size="sm" c="dimmed">
          Drag this to your bookmarks bar. On the page of a dataset, at a publisher or a repository, it finds the identifier and brings you to the launch page here.
        </Text>
      </Box>
    </Group>
  );
}
