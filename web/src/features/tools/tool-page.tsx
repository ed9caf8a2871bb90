/** One tool: its versions, what it needs, what it asks, and its specification as its author wrote it. */
import { Alert, Button, Code, Group, Select, SimpleGrid, Skeleton, Stack, Table, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconBan, IconRocket } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { dump } from "js-yaml";
import { useParams, useSearchParams } from "react-router";
import { meQuery } from "@/api/session";
import { toolQuery, toolVersionQuery } from "@/api/tools";
import type { Tool, ToolSpec, ToolVersion } from "@/api/types";
import { AsCommand } from "@/components/as-command";
import { CopyIcon } from "@/components/copy-line";
import { Facts } from "@/components/facts";
import { Page } from "@/components/page";
import { Panel } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { RowSkeletons } from "@/components/row-skeletons";
import { Section } from "@/components/section";
import { TimeAgo } from "@/components/time-ago";
import { commandLine, launchCommand } from "@/lib/command";
import { formatDuration, formatResources } from "@/lib/format";
import { fieldsOf, labelOf, type Schema } from "@/lib/json-schema";
import { useLauncher } from "@/lib/launcher";
import { PublishDialog } from "./publish-dialog";

const BACK = { to: "/tools", label: "Tools" };

export function ToolPage() {
  const { name = "" } = useParams();
  const { data: tool, error, refetch } = useQuery(toolQuery(name));
  if (tool) return <Loaded tool={tool} />;
  return (
    <Page title={name} back={BACK}>
      {error ? <ProblemAlert error={error} retry={() => void refetch()} /> : <RowSkeletons rows={3} label="Loading the tool" />}
    </Page>
  );
}

function Loaded({ tool }: { tool: Tool }) {
  const launch = useLauncher();
  const [search, setSearch] = useSearchParams();
  const [publishing, publish] = useDisclosure(false);
  const { data: me } = useQuery(meQuery);
  const latest = tool.latest.spec.version;
  const chosen = search.get("version") ?? latest;
  const older = useQuery({ ...toolVersionQuery(tool.name, chosen), enabled: chosen !== latest });
  const version = chosen === latest ? tool.latest : older.data;
  const title = tool.title || tool.name;
  return (
    <Page
      title={title}
      back={BACK}
      lead={tool.description}
      actions={
        <>
          {tool.versions.length > 1 && (
            <Select
              size="sm"
              w={130}
              aria-label="Version"
              data={tool.versions}
              value={chosen}
              allowDeselect={false}
              onChange={(value) => setSearch(value && value !== latest ? { version: value } : {}, { replace: true })}
            />
          )}
          {me?.scopes.includes("publish") && (
            <Button variant="default" onClick={publish.open} disabled={!version}>
              Publish a new version
            </Button>
          )}
          <Button
            leftSection={<IconRocket size={16} aria-hidden />}
            disabled={!tool.runnable.ok}
            aria-label={`Launch ${title}`}
            onClick={() => launch({ tool: chosen === latest ? tool.name : `${tool.name}@${chosen}` })}
          >
            Launch
          </Button>
        </>
      }
    >
      {!tool.runnable.ok && (
        <Alert color="yellow" icon={<IconBan size={17} aria-hidden />} title="This tool cannot run anywhere now">
          {tool.runnable.reason}
        </Alert>
      )}
      <ProblemAlert error={older.error} />
      {version ? <Version version={version} tool={tool} /> : !older.error && <Skeleton h={240} radius="lg" />}
      {publishing && version && <PublishDialog source={yamlOf(version.spec)} onClose={publish.close} />}
    </Page>
  );
}

function Version({ version, tool }: { version: ToolVersion; tool: Tool }) {
  const { spec } = version;
  const yaml = yamlOf(spec);
  const settings = fieldsOf(spec.arguments as Schema);
  return (
    <Stack gap="lg">
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl">
        <Section title="Needs">
          <Facts
            facts={[
              ["Kind", spec.kind === "task" ? "task: runs, writes its outputs, ends" : "interactive: opens in the browser"],
              ["Usually", formatResources(spec.resources)],
              ["Network", spec.network ? "may reach the network" : "no network"],
              spec.labels.length > 0 && ["Runner labels", spec.labels.join(", ")],
              spec.time_limit_s ? ["Time limit", formatDuration(spec.time_limit_s)] : null,
              spec.kind === "interactive" && ["If it dies", `started again up to ${spec.restart.times} times`],
              ["Runs at", tool.runnable.sites.length > 0 ? tool.runnable.sites.join(", ") : "no site now"],
              ["Published", <TimeAgo key="at" at={version.created_at} />],
              version.digest ? ["Digest", <span key="digest" className="mono">{version.digest.slice(0, 16)}…</span>] : null,
            ]}
          />
        </Section>
        <Section title={spec.components.length === 1 ? "Made of" : `Made of ${spec.components.length} components`}>
          <Stack gap="sm">
            {spec.components.map((component) => (
              <Facts
                key={component.name}
                facts={[
                  spec.components.length > 1 && ["Component", <b key="name">{component.name}</b>],
                  component.image ? ["Image", <span key="image" className="mono">{component.image}</span>] : null,
                  component.environment ? ["Environment", component.environment] : null,
                  component.command.length > 0 && ["Command", <span key="command" className="mono">{commandLine(component.command)}</span>],
                  component.port ? ["Port", String(component.port)] : null,
                  component.depends.length > 0 && ["Starts after", component.depends.join(", ")],
                ]}
              />
            ))}
          </Stack>
        </Section>
      </SimpleGrid>
      {settings.length > 0 && (
        <Section title="Settings">
          <Panel scroll>
            <Table miw={560}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Setting</Table.Th>
                  <Table.Th>Type</Table.Th>
                  <Table.Th>Default</Table.Th>
                  <Table.Th>Meaning</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {settings.map(([name, field]) => (
                  <Table.Tr key={name}>
                    <Table.Td className="mono">{name}</Table.Td>
                    <Table.Td>{field.enum ? field.enum.join(" | ") : [field.type].flat().join(" | ")}</Table.Td>
                    <Table.Td className="mono">{field.default === undefined ? "" : JSON.stringify(field.default)}</Table.Td>
                    <Table.Td>{field.description ?? labelOf(name, field)}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Panel>
        </Section>
      )}
      <Section title="Specification" aside={<CopyIcon text={yaml} label="Copy the specification" />}>
        <Code block fz="xs" tabIndex={0} aria-label="Specification as YAML">
          {yaml}
        </Code>
      </Section>
      <AsCommand lines={[launchCommand({ tool: spec.name, kind: spec.kind, identifiers: [] })]} />
      <Group>
        <Text size="xs" c="dimmed">
          {tool.versions.length} {tool.versions.length === 1 ? "version" : "versions"}: {tool.versions.join(", ")}
        </Text>
      </Group>
    </Stack>
  );
}

/** The specification without what merely repeats a default: null, empty lists, empty maps, empty text. */
function yamlOf(spec: ToolSpec): string {
  return dump(withoutEmpty(spec), { lineWidth: 110, noRefs: true });
}

function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => !isEmpty(member))
      .map(([name, member]) => [name, withoutEmpty(member)]),
  );
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
