/** One dataset: what it is, by which names it is found, where its bytes are, and how to share its launch. */
import { Anchor, Badge, Button, Group, SimpleGrid, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "react-router";
import { datasetQuery, useDeleteDataset } from "@/api/datasets";
import { myRunsQuery } from "@/api/runs";
import { meQuery } from "@/api/session";
import { sitesQuery } from "@/api/sites";
import type { Dataset } from "@/api/types";
import { AsCommand } from "@/components/as-command";
import { ConfirmButton } from "@/components/confirm-button";
import { Facts } from "@/components/facts";
import { Page } from "@/components/page";
import { Panel, PanelRow } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { RowSkeletons } from "@/components/row-skeletons";
import { RunLine } from "@/components/run-line";
import { Section } from "@/components/section";
import { TimeAgo } from "@/components/time-ago";
import { commandLine } from "@/lib/command";
import { formatBytes } from "@/lib/format";
import { DatasetButtons } from "./dataset-buttons";
import { EditDialog } from "./edit-dialog";
import { IdentifierList } from "./identifier-list";
import { LocationList } from "./location-list";
import { runsByDataset } from "./runs-by-dataset";
import { ShareSection } from "./share-section";

const BACK = { to: "/datasets", label: "Datasets" };

export function DatasetPage() {
  const { id = "" } = useParams();
  const { data: dataset, error, refetch } = useQuery(datasetQuery(id));
  if (error) {
    return (
      <Page title="Dataset" back={BACK}>
        <ProblemAlert error={error} retry={() => void refetch()} />
      </Page>
    );
  }
  if (!dataset) {
    return (
      <Page title="Dataset" back={BACK}>
        <RowSkeletons rows={3} label="Loading the dataset" />
      </Page>
    );
  }
  return <Loaded dataset={dataset} />;
}

function Loaded({ dataset }: { dataset: Dataset }) {
  const navigate = useNavigate();
  const { data: me } = useQuery(meQuery);
  const { data: sites } = useQuery(sitesQuery);
  const { data: runs } = useQuery(myRunsQuery);
  const deleting = useDeleteDataset();
  const [editing, edit] = useDisclosure(false);
  const mine = (runs ?? []).filter((run) => run.datasets.some((used) => used.dataset === dataset.id));
  const isOwner = me && (me.account.role === "admin" || dataset.created_by === me.account.id);
  const mayEdit = Boolean(isOwner && me.scopes.includes("publish"));
  const identifier = dataset.identifiers[0]?.value ?? dataset.id;
  return (
    <Page
      title={dataset.title}
      back={BACK}
      lead={dataset.creators.length > 0 ? dataset.creators.join(", ") : undefined}
      actions={<DatasetButtons dataset={dataset} run={runsByDataset(mine).get(dataset.id)} />}
    >
      {dataset.description && <Text maw="46rem" style={{ whiteSpace: "pre-line" }}>{dataset.description}</Text>}
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl" verticalSpacing="lg">
        <Stack gap="lg">
          <Section title="Identifiers">
            <IdentifierList dataset={dataset} mayEdit={mayEdit} />
          </Section>
          <Section
            title="Locations"
            aside={
              dataset.locations.some((location) => location.path) && (
                <Anchor component={Link} to={`/files?in=dataset/${dataset.id}`} size="sm">
                  Look at the files
                </Anchor>
              )
            }
          >
            <LocationList dataset={dataset} sites={sites ?? []} mayEdit={mayEdit} />
          </Section>
        </Stack>
        <Section title="About">
          <Facts
            facts={[
              ["Size", formatBytes(dataset.size_bytes)],
              ["Copies", dataset.may_leave ? "may go to other sites" : "stay where they are; tools come here"],
              dataset.tags.length > 0 && [
                "Access tags",
                <Group gap={6} key="tags">
                  {dataset.tags.map((tag) => (
                    <Badge key={tag} color="gray">
                      {tag}
                    </Badge>
                  ))}
                </Group>,
              ],
              ...Object.entries(dataset.metadata ?? {}).map(([name, value]): [string, string] => [name, typeof value === "string" ? value : JSON.stringify(value)]),
              ["Registered", <TimeAgo key="at" at={dataset.created_at} never="unknown" />],
            ]}
          />
          {mayEdit && (
            <Group gap="xs" mt="md">
              <Button size="xs" variant="default" onClick={edit.open}>
                Edit
              </Button>
              <ConfirmButton
                size="xs"
                label="Delete"
                confirm="Delete the record"
                question={`Delete the record of “${dataset.title}”?`}
                error={deleting.error}
                loading={deleting.isPending}
                onConfirm={() => deleting.mutateAsync(dataset).then(() => navigate("/datasets"))}
              >
                Its identifiers and locations are forgotten here. The files themselves stay where they are.
              </ConfirmButton>
            </Group>
          )}
        </Section>
      </SimpleGrid>
      {mine.length > 0 && (
        <Section title="Your runs with it">
          <Panel>
            {mine.slice(0, 8).map((run) => (
              <PanelRow key={run.id}>
                <RunLine run={run} />
              </PanelRow>
            ))}
          </Panel>
        </Section>
      )}
      <ShareSection identifier={identifier} />
      <AsCommand lines={[commandLine(["alongside", "datasets", "show", identifier])]} />
      {editing && <EditDialog dataset={dataset} onClose={edit.close} />}
    </Page>
  );
}
