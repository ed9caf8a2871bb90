/** Files at sites: places on one side, the open folder beside them, and a look at one file. */
import { Grid, NavLink, Select, Stack, Text } from "@mantine/core";
import { IconFolders, IconHome, IconPackageExport, IconUsersGroup } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearchParams } from "react-router";
import { placesQuery, type FolderId } from "@/api/files";
import { meQuery } from "@/api/session";
import { EmptyState } from "@/components/empty-state";
import { Page } from "@/components/page";
import { Panel } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { RowSkeletons } from "@/components/row-skeletons";
import { FolderView } from "./folder-view";
import { linkTo, readAs, writtenAs } from "./paths";

interface Shown {
  folder: FolderId;
  title: string;
  detail: string;
  icon: React.ReactNode;
}

export function FilesPage() {
  const [search] = useSearchParams();
  const { data: me } = useQuery(meQuery);
  const { data: places, error, refetch } = useQuery(placesQuery);
  const known = (places?.items ?? []).map(shownPlace);
  const asked = readAs(search.get("in"));
  const folder = asked ?? known[0]?.folder;
  const path = search.get("path") ?? "";
  const all = !asked || known.some((place) => writtenAs(place.folder) === writtenAs(asked)) ? known : [...known, elsewhere(asked)];
  return (
    <Page title="Files" lead="Your home at each site, what your runs left, and datasets, where they are.">
      {error ? (
        <ProblemAlert error={error} retry={() => void refetch()} />
      ) : !places || !me ? (
        <RowSkeletons label="Loading places" />
      ) : !folder ? (
        <Panel>
          <EmptyState icon={<IconFolders size={36} stroke={1.3} />} title="No place has files of yours yet">
            A home comes with your first interactive tool at a site, outputs with your first task.
          </EmptyState>
        </Panel>
      ) : (
        <Grid gap="lg">
          <Grid.Col span={{ base: 12, md: 3 }}>
            <PlaceList places={all} current={writtenAs(folder)} />
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 9 }}>
            <FolderView key={writtenAs(folder)} folder={folder} path={path} file={search.get("file")} maySave={me.scopes.includes("publish")} />
          </Grid.Col>
        </Grid>
      )}
    </Page>
  );
}

function PlaceList({ places, current }: { places: Shown[]; current: string }) {
  const navigate = useNavigate();
  return (
    <>
      <Select
        hiddenFrom="md"
        aria-label="Place"
        data={places.map((place) => ({ value: writtenAs(place.folder), label: `${place.title} · ${place.detail}` }))}
        value={current}
        onChange={(value) => {
          const folder = readAs(value);
          if (folder) void navigate(linkTo(folder));
        }}
        allowDeselect={false}
      />
      <Stack gap={2} component="nav" aria-label="Places" visibleFrom="md">
        {places.map((place) => (
          <NavLink
            key={writtenAs(place.folder)}
            component={Link}
            to={linkTo(place.folder)}
            active={writtenAs(place.folder) === current}
            aria-current={writtenAs(place.folder) === current ? "page" : undefined}
            leftSection={place.icon}
            label={place.title}
            description={place.detail}
            style={{ borderRadius: "var(--mantine-radius-md)" }}
          />
        ))}
        <Text size="xs" c="dimmed" px="sm" pt="xs">
          Datasets open from their own pages.
        </Text>
      </Stack>
    </>
  );
}

function shownPlace(place: { kind: "home" | "outputs"; site: string; title: string; run?: string | null }): Shown {
  return place.kind === "home"
    ? { folder: { kind: "home", site: place.site }, title: "Home", detail: place.title, icon: <IconHome size={17} aria-hidden /> }
    : { folder: { kind: "outputs", run: place.run ?? "" }, title: place.title, detail: `outputs, ${place.site}`, icon: <IconPackageExport size={17} aria-hidden /> };
}

function elsewhere(folder: FolderId): Shown {
  const title = { home: "Home", group: folder.group ?? "Group", outputs: "Outputs of a run", dataset: "Dataset" }[folder.kind];
  const icon = folder.kind === "group" ? <IconUsersGroup size={17} aria-hidden /> : <IconFolders size={17} aria-hidden />;
  return { folder, title, detail: folder.site ?? "opened by its link", icon };
}
