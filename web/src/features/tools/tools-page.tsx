/** The catalogue of tools, as cards; one that cannot run anywhere says why. */
import { Button, SimpleGrid, Skeleton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconPlus, IconTool } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { meQuery } from "@/api/session";
import { toolsQuery } from "@/api/tools";
import type { Tool } from "@/api/types";
import { EmptyState } from "@/components/empty-state";
import { Page } from "@/components/page";
import { Panel } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { SearchBox } from "@/components/search-box";
import { PublishDialog } from "./publish-dialog";
import { ToolCard } from "./tool-card";

export function ToolsPage() {
  const tools = useQuery(toolsQuery);
  const { data: me } = useQuery(meQuery);
  const [text, setText] = useState("");
  const [publishing, publish] = useDisclosure(false);
  const shown = tools.data?.filter((tool) => fits(tool, text)).sort(byUse);
  const publishButton = me?.scopes.includes("publish") && (
    <Button variant={tools.data?.length ? "default" : "filled"} leftSection={<IconPlus size={16} aria-hidden />} onClick={publish.open}>
      Publish a tool
    </Button>
  );
  return (
    <Page title="Tools" lead="What can be run beside a dataset: interactive tools, and tasks that end by themselves." actions={publishButton}>
      {(tools.data?.length ?? 0) > 6 && <SearchBox label="Search tools" placeholder="Name or words" value={text} onChange={setText} />}
      {tools.error ? (
        <ProblemAlert error={tools.error} retry={() => void tools.refetch()} />
      ) : !shown ? (
        <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} role="status" aria-label="Loading tools">
          {[0, 1, 2].map((index) => (
            <Skeleton key={index} h={150} radius="lg" />
          ))}
        </SimpleGrid>
      ) : shown.length === 0 ? (
        <Panel>
          <EmptyState icon={<IconTool size={36} stroke={1.3} />} title={text ? `No tool matches “${text}”` : "No tools yet"} action={publishButton}>
            {!text && "A tool is an image or a command with a few words about it, written as a page of YAML. Publish one and it can be launched beside any dataset."}
          </EmptyState>
        </Panel>
      ) : (
        <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} role="list" aria-label="Tools">
          {shown.map((tool) => (
            <ToolCard key={tool.name} tool={tool} />
          ))}
        </SimpleGrid>
      )}
      {publishing && <PublishDialog onClose={publish.close} />}
    </Page>
  );
}

function fits(tool: Tool, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const about = `${tool.name} ${tool.title} ${tool.description} ${tool.tags.join(" ")}`.toLowerCase();
  return words.every((word) => about.includes(word));
}

function byUse(a: Tool, b: Tool): number {
  return Number(b.runnable.ok) - Number(a.runnable.ok) || a.kind.localeCompare(b.kind) || a.title.localeCompare(b.title);
}
