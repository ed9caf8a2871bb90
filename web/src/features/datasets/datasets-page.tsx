/** All datasets that the person may see: search while typing, launch or return beside each. */
import { Button, Code, Stack, Text } from "@mantine/core";
import { useDebouncedValue, useDisclosure } from "@mantine/hooks";
import { IconDatabasePlus, IconDatabaseSearch } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useSearchParams } from "react-router";
import { datasetsQuery } from "@/api/datasets";
import { useLiveConnection } from "@/api/hints";
import { myRunsQuery } from "@/api/runs";
import { meQuery } from "@/api/session";
import { sitesQuery } from "@/api/sites";
import { AsCommand } from "@/components/as-command";
import { EmptyState } from "@/components/empty-state";
import { Page } from "@/components/page";
import { Panel } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { RowSkeletons } from "@/components/row-skeletons";
import { SearchBox } from "@/components/search-box";
import { commandLine } from "@/lib/command";
import { DatasetRow } from "./dataset-row";
import { RegisterDialog } from "./register-dialog";
import { runsByDataset } from "./runs-by-dataset";

export function DatasetsPage() {
  const [search, setSearch] = useSearchParams();
  const [text, setText] = useState(search.get("q") ?? "");
  const [q] = useDebouncedValue(text.trim(), 150);
  const [registering, register] = useDisclosure(false);
  const live = useLiveConnection();
  const { data: me } = useQuery(meQuery);
  const { data: sites } = useQuery(sitesQuery);
  const { data: runs } = useQuery({ ...myRunsQuery, refetchInterval: live ? false : 5_000 });
  const list = useInfiniteQuery(datasetsQuery({ q }));

  useEffect(() => setSearch(q ? { q } : {}, { replace: true, preventScrollReset: true }), [q, setSearch]);

  const datasets = list.data?.pages.flatMap((page) => page.items);
  const using = runsByDataset(runs ?? []);
  const mayRegister = me?.scopes.includes("publish");
  const registerButton = mayRegister && (
    <Button variant={datasets?.length ? "default" : "filled"} leftSection={<IconDatabasePlus size={16} aria-hidden />} onClick={register.open}>
      Register a dataset
    </Button>
  );
  return (
    <Page title="Datasets" lead="Launch a tool beside the data, wherever it lies." actions={datasets?.length || q ? registerButton : null}>
      <SearchBox label="Search datasets" placeholder="Title, words, or any form of DOI, Handle, ARK, URL…" value={text} onChange={setText} autoFocus />
      {list.error ? (
        <ProblemAlert error={list.error} retry={() => void list.refetch()} />
      ) : !datasets ? (
        <RowSkeletons label="Loading datasets" />
      ) : datasets.length === 0 ? (
        <Panel>{q ? <NoMatch q={q} action={registerButton} /> : <NothingYet action={registerButton} />}</Panel>
      ) : (
        <Stack gap="sm">
          <Panel>
            <div role="list" aria-label="Datasets">
              {datasets.map((dataset) => (
                <DatasetRow key={dataset.id} dataset={dataset} sites={sites} run={using.get(dataset.id)} />
              ))}
            </div>
          </Panel>
          {list.hasNextPage && (
            <Button variant="default" mx="auto" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              Show more
            </Button>
          )}
          <AsCommand lines={[commandLine(["alongside", "datasets", ...(q ? ["search", q] : ["list"])])]} />
        </Stack>
      )}
      <RegisterDialog opened={registering} onClose={register.close} sites={sites ?? []} />
    </Page>
  );
}

function NoMatch({ q, action }: { q: string; action: React.ReactNode }) {
  return (
    <EmptyState icon={<IconDatabaseSearch size={36} stroke={1.3} />} title={`Nothing matches “${q}”`} action={action}>
      Words are looked for in titles and descriptions. An identifier may be pasted as it stands: <Code>10.5072/abc</Code>, <Code>doi:10.5072/abc</Code> and{" "}
      <Code>https://doi.org/10.5072/abc</Code> are the same. If it is new here, register where its files are.
    </EmptyState>
  );
}

function NothingYet({ action }: { action: React.ReactNode }) {
  return (
    <EmptyState icon={<IconDatabasePlus size={36} stroke={1.3} />} title="No datasets yet" action={action}>
      <Stack gap="xs">
        <Text>
          A dataset is a title, an identifier and the place where its files already are. Nothing is uploaded or copied: you say where the folder is, and tools
          come to it.
        </Text>
        <Text size="sm">Without a DOI it gets a local identifier that works everywhere here.</Text>
      </Stack>
    </EmptyState>
  );
}
