/** An open folder: its table, what can be done with it, and the file that is looked at. */
import { Anchor, Box, Breadcrumbs, Button, Checkbox, FileButton, Group, Menu, Stack, Table, Text, UnstyledButton } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import {
  IconChevronDown,
  IconDatabasePlus,
  IconDownload,
  IconFile,
  IconFolder,
  IconFolderPlus,
  IconLink,
  IconPencil,
  IconPlugConnected,
  IconTrash,
  IconUpload,
} from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useSearchParams } from "react-router";
import { download, grantQuery, listMore, listQuery, useChanges, type Entry, type FolderId, type Sort } from "@/api/files";
import { asProblem } from "@/api/problem";
import { AsCommand } from "@/components/as-command";
import { EmptyState } from "@/components/empty-state";
import { Panel } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { RowSkeletons } from "@/components/row-skeletons";
import { TimeAgo } from "@/components/time-ago";
import { commandLine } from "@/lib/command";
import { formatBytes, plural } from "@/lib/format";
import { DriveDialog } from "./drive-dialog";
import { FilePreview } from "./file-preview";
import classes from "./folder-view.module.css";
import { NameDialog } from "./name-dialog";
import { joined, linkTo, nameOf, writtenAs } from "./paths";
import { SaveDialog } from "./save-dialog";
import { UploadList } from "./upload-list";
import { useUploads } from "./use-uploads";

interface FolderViewProps {
  folder: FolderId;
  path: string;
  /** name of the file that is looked at */
  file: string | null;
  maySave: boolean;
}

type Asked = { what: "folder" } | { what: "move"; path: string } | { what: "drive" } | { what: "save"; path: string } | null;

export function FolderView({ folder, path, file, maySave }: FolderViewProps) {
  const [, setSearch] = useSearchParams();
  const [sort, setSort] = useState<{ by: Sort; descending: boolean }>({ by: "name", descending: false });
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [asked, setAsked] = useState<Asked>(null);
  const [more, setMore] = useState<{ of: unknown; items: Entry[]; next: number | null } | null>(null);
  const [dragging, setDragging] = useState(false);
  const { data: grant, error: refusal, refetch: askAgain } = useQuery(grantQuery(folder));
  const list = useQuery({ ...listQuery(folder, path, sort.by, sort.descending), enabled: Boolean(grant) });
  const changes = useChanges(folder);
  const sending = useUploads();
  const writable = grant?.writable ?? false;
  const further = more && more.of === list.data ? more : null;
  const entries = [...(list.data?.items ?? []), ...(further?.items ?? [])];
  const next = further ? further.next : (list.data?.next ?? null);
  const marked = entries.filter((entry) => chosen.includes(entry.name));
  const looked = file ? entries.find((entry) => entry.name === file && entry.kind === "file") : undefined;
  const only = marked[0];

  const show = (name: string | null) =>
    setSearch((before) => {
      const query = new URLSearchParams(before);
      query.set("in", writtenAs(folder));
      if (name === null) query.delete("file");
      else query.set("file", name);
      return query;
    }, { preventScrollReset: true });
  const remove = () => {
    const paths = marked.map((entry) => joined(path, entry.name));
    changes.remove.mutate(paths, {
      onSuccess: ({ trash }) => {
        setChosen([]);
        if (file && marked.some((entry) => entry.name === file)) show(null);
        const id = notifications.show({
          autoClose: 20_000,
          message: (
            <Group justify="space-between" gap="xs">
              <Text size="sm">Deleted {paths.length === 1 ? nameOf(paths[0] ?? "") : plural(paths.length, "item")}.</Text>
              <Button
                size="compact-sm"
                variant="light"
                onClick={() => {
                  notifications.hide(id);
                  changes.restore.mutate(trash);
                }}
              >
                Undo
              </Button>
            </Group>
          ),
        });
      },
    });
  };
  const upload = (files: readonly File[]) => sending.add(folder, path, files);
  const failure = list.error ?? refusal;
  const isMissing = failure !== null && asProblem(failure).status === 404;
  const isHomeless = isMissing && folder.kind === "home" && !path;

  return (
    <Stack gap="sm">
      <Group justify="space-between" gap="xs">
        <Breadcrumbs separatorMargin={6} style={{ flexWrap: "wrap" }} aria-label="Folder">
          {crumbs(folder, path).map(({ label, to }, index, all) =>
            index === all.length - 1 ? (
              <Text key={to} size="sm" fw={550} aria-current="page">
                {label}
              </Text>
            ) : (
              <Anchor key={to} component={Link} to={to} size="sm">
                {label}
              </Anchor>
            ),
          )}
        </Breadcrumbs>
        <Group gap="xs">
          {writable && !isMissing && (
            <FileButton onChange={upload} multiple>
              {(props) => (
                <Button {...props} size="xs" leftSection={<IconUpload size={15} aria-hidden />}>
                  Upload
                </Button>
              )}
            </FileButton>
          )}
          <Menu position="bottom-end" withinPortal>
            <Menu.Target>
              <Button size="xs" variant="default" rightSection={<IconChevronDown size={14} aria-hidden />} disabled={!grant || isMissing}>
                More
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {writable && (
                <Menu.Item leftSection={<IconFolderPlus size={16} aria-hidden />} onClick={() => setAsked({ what: "folder" })}>
                  New folder
                </Menu.Item>
              )}
              <Menu.Item leftSection={<IconDownload size={16} aria-hidden />} onClick={() => void download(folder, [path])}>
                Download this folder
              </Menu.Item>
              {maySave && folder.kind !== "dataset" && (path || folder.kind === "outputs") && (
                <Menu.Item leftSection={<IconDatabasePlus size={16} aria-hidden />} onClick={() => setAsked({ what: "save", path })}>
                  Save this folder as dataset
                </Menu.Item>
              )}
              <Menu.Item leftSection={<IconPlugConnected size={16} aria-hidden />} onClick={() => setAsked({ what: "drive" })}>
                Connect as a drive
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
      </Group>
      {marked.length > 0 && (
        <Group gap="xs" role="toolbar" aria-label="With what is chosen">
          <Text size="sm" c="dimmed">
            {plural(marked.length, "item")}
          </Text>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconDownload size={15} aria-hidden />}
            onClick={() => void download(folder, marked.map((entry) => joined(path, entry.name)))}
          >
            Download
          </Button>
          {writable && marked.length === 1 && only && (
            <Button
              size="xs"
              variant="default"
              leftSection={<IconPencil size={15} aria-hidden />}
              onClick={() => setAsked({ what: "move", path: joined(path, only.name) })}
            >
              Move
            </Button>
          )}
          {maySave && folder.kind !== "dataset" && marked.length === 1 && only && (
            <Button
              size="xs"
              variant="default"
              leftSection={<IconDatabasePlus size={15} aria-hidden />}
              onClick={() => setAsked({ what: "save", path: joined(path, only.name) })}
            >
              Save as dataset
            </Button>
          )}
          {writable && (
            <Button size="xs" variant="default" leftSection={<IconTrash size={15} aria-hidden />} onClick={remove} loading={changes.remove.isPending}>
              Delete
            </Button>
          )}
        </Group>
      )}
      <ProblemAlert error={changes.remove.error ?? changes.restore.error} />
      <UploadList uploads={sending} />
      {failure ? (
        isMissing ? (
          <Panel>
            <EmptyState icon={<IconFolder size={36} stroke={1.3} />} title={isHomeless ? "No home here yet" : "There is nothing here"}>
              {isHomeless ? "It is made when you first launch an interactive tool at this site." : asProblem(failure).detail}
            </EmptyState>
          </Panel>
        ) : (
          <ProblemAlert error={failure} retry={() => void askAgain().then(() => list.refetch())} />
        )
      ) : !list.data ? (
        <RowSkeletons label="Loading the folder" />
      ) : (
        <Box
          className={dragging ? classes.dropping : undefined}
          onDragOver={(event) => {
            if (!writable) return;
            event.preventDefault();
            setDragging(true);
          }}
          onDragLeave={() => setDragging(false)}
          onDrop={(event) => {
            if (!writable) return;
            event.preventDefault();
            setDragging(false);
            upload([...event.dataTransfer.files]);
          }}
        >
          <Panel scroll>
            {entries.length === 0 ? (
              <EmptyState icon={<IconFolder size={36} stroke={1.3} />} title="This folder is empty">
                {writable && "Drop files here, or use Upload."}
              </EmptyState>
            ) : (
              <Table aria-label="Files" highlightOnHover>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th w={36}>
                      <Checkbox
                        size="xs"
                        aria-label="Choose all"
                        checked={marked.length === entries.length}
                        indeterminate={marked.length > 0 && marked.length < entries.length}
                        onChange={(event) => setChosen(event.currentTarget.checked ? entries.map((entry) => entry.name) : [])}
                      />
                    </Table.Th>
                    <SortHeader label="Name" by="name" sort={sort} onSort={setSort} />
                    <SortHeader label="Size" by="size" sort={sort} onSort={setSort} right />
                    <SortHeader label="Changed" by="modified" sort={sort} onSort={setSort} right phone={false} />
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {entries.map((entry) => (
                    <Table.Tr key={entry.name} bg={entry.name === file ? "var(--mantine-color-accent-light)" : undefined}>
                      <Table.Td>
                        <Checkbox
                          size="xs"
                          aria-label={`Choose ${entry.name}`}
                          checked={chosen.includes(entry.name)}
                          onChange={(event) => {
                            const on = event.currentTarget.checked;
                            setChosen((before) => (on ? [...before, entry.name] : before.filter((name) => name !== entry.name)));
                          }}
                        />
                      </Table.Td>
                      <Table.Td style={{ overflowWrap: "anywhere" }}>
                        <Name entry={entry} folder={folder} path={path} onShow={() => show(entry.name)} />
                      </Table.Td>
                      <Table.Td ta="right" className="numbers" style={{ whiteSpace: "nowrap" }}>
                        {entry.kind === "file" && formatBytes(entry.size_bytes)}
                      </Table.Td>
                      <Table.Td ta="right" c="dimmed" visibleFrom="xs">
                        <TimeAgo at={new Date(entry.modified_at * 1000).toISOString()} />
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            )}
          </Panel>
        </Box>
      )}
      {next !== null && list.data && (
        <Button
          variant="default"
          mx="auto"
          onClick={() =>
            void listMore(folder, path, sort.by, sort.descending, next).then((page) =>
              setMore({ of: list.data, items: [...(further?.items ?? []), ...page.items], next: page.next }),
            )
          }
        >
          Show more of {list.data.total}
        </Button>
      )}
      {looked && (
        <FilePreview key={`${joined(path, looked.name)} ${looked.kind}`} folder={folder} path={joined(path, looked.name)} entry={looked} writable={writable} onClose={() => show(null)} />
      )}
      <AsCommand lines={[commandLine(["alongside", "files", "ls", `${writtenAs(folder)}:${path}`])]} />
      {asked?.what === "folder" && (
        <NameDialog
          title="New folder"
          label="Name"
          verb="Make"
          given=""
          act={changes.makeFolder}
          onClose={() => setAsked(null)}
          onGiven={(name) => changes.makeFolder.mutateAsync(joined(path, name))}
        />
      )}
      {asked?.what === "move" && (
        <NameDialog
          title={`Move ${nameOf(asked.path)}`}
          label="New path, from the top of this place"
          verb="Move"
          given={asked.path}
          act={changes.move}
          onClose={() => setAsked(null)}
          onGiven={(to) =>
            changes.move.mutateAsync({ path: asked.path, to }).then(() => {
              setChosen([]);
              show(null);
            })
          }
        />
      )}
      {asked?.what === "drive" && <DriveDialog folder={folder} onClose={() => setAsked(null)} />}
      {asked?.what === "save" && <SaveDialog folder={folder} path={asked.path} onClose={() => setAsked(null)} />}
    </Stack>
  );
}

function Name({ entry, folder, path, onShow }: { entry: Entry; folder: FolderId; path: string; onShow: () => void }) {
  if (entry.kind === "folder") {
    return (
      <Group gap={8} wrap="nowrap">
        <IconFolder size={16} aria-hidden style={{ flex: "none" }} />
        <Anchor component={Link} to={linkTo(folder, joined(path, entry.name))} size="sm" fw={500}>
          {entry.name}
        </Anchor>
      </Group>
    );
  }
  if (entry.kind === "file") {
    return (
      <Group gap={8} wrap="nowrap">
        <IconFile size={16} aria-hidden opacity={0.6} style={{ flex: "none" }} />
        <Anchor component="button" type="button" size="sm" ta="left" onClick={onShow} aria-label={`Look at ${entry.name}`}>
          {entry.name}
        </Anchor>
      </Group>
    );
  }
  return (
    <Group gap={8} wrap="nowrap" c="dimmed">
      <IconLink size={16} aria-hidden style={{ flex: "none" }} />
      <Text size="sm">
        {entry.name}
        {entry.target !== null && ` → ${entry.target}`}
      </Text>
    </Group>
  );
}

interface SortHeaderProps {
  label: string;
  by: Sort;
  sort: { by: Sort; descending: boolean };
  onSort: (sort: { by: Sort; descending: boolean }) => void;
  right?: boolean;
  phone?: boolean;
}

function SortHeader({ label, by, sort, onSort, right, phone = true }: SortHeaderProps) {
  const on = sort.by === by;
  return (
    <Table.Th ta={right ? "right" : undefined} aria-sort={on ? (sort.descending ? "descending" : "ascending") : undefined} visibleFrom={phone ? undefined : "xs"}>
      <UnstyledButton fz="inherit" fw={on ? 600 : "inherit"} c="inherit" onClick={() => onSort({ by, descending: on && !sort.descending })}>
        {label}
        {on && (sort.descending ? " ↓" : " ↑")}
      </UnstyledButton>
    </Table.Th>
  );
}

function crumbs(folder: FolderId, path: string): { label: string; to: string }[] {
  const top = { home: "Home", group: folder.group ?? "Group", outputs: "Outputs", dataset: "Dataset" }[folder.kind];
  const parts = path ? path.split("/") : [];
  return [{ label: top, to: linkTo(folder) }, ...parts.map((label, index) => ({ label, to: linkTo(folder, parts.slice(0, index + 1).join("/")) }))];
}
