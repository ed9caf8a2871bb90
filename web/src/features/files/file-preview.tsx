/** A look at one file, by what it is; small texts can be edited in place. */
import { ActionIcon, Alert, Box, Button, Group, Image, Loader, Stack, Table, Text, Textarea } from "@mantine/core";
import { IconDownload, IconPencil, IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { askSite, download, fileKeys, useChanges, type Entry, type FolderId } from "@/api/files";
import { Facts } from "@/components/facts";
import { Panel } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { parseTable } from "@/lib/csv";
import { formatBytes } from "@/lib/format";
import { NotebookPreview } from "./notebook-preview";
import { nameOf, suffixOf } from "./paths";

interface FilePreviewProps {
  folder: FolderId;
  path: string;
  entry: Entry;
  writable: boolean;
  onClose: () => void;
}

const TEXT_BYTES = 200_000;
const EDIT_BYTES = 1_000_000;
const IMAGE_BYTES = 30_000_000;
const NOTEBOOK_BYTES = 5_000_000;
const TABLE_ROWS = 201;
const IMAGES = new Set(["png", "jpg", "jpeg", "gif", "webp", "bmp", "avif"]);

export function FilePreview(props: FilePreviewProps) {
  const { folder, path, entry, onClose } = props;
  const place = useRef<HTMLDivElement>(null);
  // Below a long list nobody would see that it opened.
  useEffect(() => place.current?.scrollIntoView({ block: "start" }), []);
  return (
    <Box ref={place} mih="70vh" style={{ scrollMarginTop: 68 }}>
      <Panel p="sm">
        <Stack gap="sm" component="section" aria-label={`Preview of ${entry.name}`}>
          <Group justify="space-between" wrap="nowrap" gap="xs">
            <Text fw={550} style={{ overflowWrap: "anywhere" }}>
              {entry.name}{" "}
              <Text span size="xs" c="dimmed" className="numbers">
                {formatBytes(entry.size_bytes)}
              </Text>
            </Text>
            <Group gap={4} wrap="nowrap">
              <Button size="xs" variant="default" leftSection={<IconDownload size={15} aria-hidden />} onClick={() => void download(folder, [path])}>
                Download
              </Button>
              <ActionIcon variant="subtle" color="gray" aria-label="Close the preview" onClick={onClose}>
                <IconX size={16} />
              </ActionIcon>
            </Group>
          </Group>
          <Content {...props} />
        </Stack>
      </Panel>
    </Box>
  );
}

function Content(props: FilePreviewProps) {
  const suffix = suffixOf(props.path);
  const size = props.entry.size_bytes ?? 0;
  if (IMAGES.has(suffix)) return size <= IMAGE_BYTES ? <ImagePreview {...props} /> : <TooLarge />;
  if (suffix === "las" || suffix === "laz") return <PointCloud {...props} />;
  if (suffix === "ipynb" && size <= NOTEBOOK_BYTES) return <Notebook {...props} />;
  return <TextPreview {...props} />;
}

function useBytes({ folder, path, entry }: FilePreviewProps, most: number, door = "content") {
  return useQuery({
    queryKey: [...fileKeys.folder(folder), door, path, entry.version, most],
    queryFn: async () => {
      const headers: Record<string, string> = (entry.size_bytes ?? 0) > most ? { Range: `bytes=0-${most - 1}` } : {};
      const response = await askSite(folder, "GET", door, { path }, { headers });
      return { blob: await response.blob(), facts: response.headers.get("X-Facts"), version: response.headers.get("ETag")?.replaceAll('"', "") ?? entry.version };
    },
    retry: false,
    gcTime: 60_000,
  });
}

function TextPreview(props: FilePreviewProps) {
  const { path, entry, writable } = props;
  const size = entry.size_bytes ?? 0;
  const most = size <= EDIT_BYTES && writable ? EDIT_BYTES : TEXT_BYTES;
  const { data, error } = useBytes(props, most);
  const { data: text } = useQuery({
    queryKey: [...fileKeys.folder(props.folder), "text", path, data?.version ?? ""],
    queryFn: async () => ({ text: readText(await (data?.blob.arrayBuffer() ?? Promise.resolve(new ArrayBuffer(0)))), version: data?.version ?? "" }),
    enabled: Boolean(data),
    gcTime: 0,
  });
  // What was read when the editing began: a draft outlives whatever happens to the file meanwhile.
  const [editing, setEditing] = useState<{ text: string; version: string } | null>(null);
  if (editing) return <Editor {...props} {...editing} onDone={() => setEditing(null)} />;
  if (error) return <ProblemAlert error={error} />;
  if (!text) return <Loader size="sm" />;
  if (text.text === null) return <Text size="sm" c="dimmed">There is no preview of this kind of file. Download it to open it.</Text>;
  const shown = { text: text.text, version: text.version };
  const suffix = suffixOf(path);
  return (
    <Stack gap="xs">
      {writable && size <= EDIT_BYTES && (
        <Button size="xs" variant="default" w="fit-content" leftSection={<IconPencil size={15} aria-hidden />} onClick={() => setEditing(shown)}>
          Edit
        </Button>
      )}
      {suffix === "csv" || suffix === "tsv" ? (
        <TablePreview rows={parseTable(shown.text, suffix === "csv" ? "," : "\t", TABLE_ROWS)} />
      ) : (
        <Box component="pre" className="mono" m={0} fz="xs" mah="60vh" style={{ overflow: "auto", whiteSpace: "pre-wrap", overflowWrap: "anywhere" }} tabIndex={0} aria-label="Text">
          {shown.text.slice(0, TEXT_BYTES)}
        </Box>
      )}
      {size > TEXT_BYTES && (
        <Text size="xs" c="dimmed">
          The first {formatBytes(TEXT_BYTES)} of {formatBytes(size)}.
        </Text>
      )}
    </Stack>
  );
}

function Editor({ folder, path, text, version, onDone }: FilePreviewProps & { text: string; version: string; onDone: () => void }) {
  const { save } = useChanges(folder);
  const [draft, setDraft] = useState(text);
  return (
    <Stack gap="xs">
      <Textarea aria-label={`Text of ${nameOf(path)}`} value={draft} onChange={(event) => setDraft(event.currentTarget.value)} autosize minRows={8} maxRows={28} spellCheck={false} styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }} />
      <ProblemAlert error={save.error} title={save.error ? "It was not saved" : undefined} />
      <Group gap="xs">
        <Button size="xs" loading={save.isPending} onClick={() => void save.mutateAsync({ path, text: draft, version }).then(onDone, () => undefined)}>
          Save
        </Button>
        <Button size="xs" variant="default" onClick={onDone}>
          Cancel
        </Button>
      </Group>
    </Stack>
  );
}

function TablePreview({ rows }: { rows: string[][] }) {
  const [head, ...rest] = rows;
  return (
    <Box style={{ overflow: "auto" }} mah="60vh" tabIndex={0} role="region" aria-label="Table">
      <Table withColumnBorders stickyHeader>
        <Table.Thead>
          <Table.Tr>{head?.map((cell, column) => <Table.Th key={column}>{cell}</Table.Th>)}</Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rest.map((row, line) => (
            <Table.Tr key={line}>
              {row.map((cell, column) => (
                <Table.Td key={column} className="numbers">
                  {cell}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Box>
  );
}

function ImagePreview(props: FilePreviewProps) {
  const { data, error } = useBytes(props, IMAGE_BYTES);
  const address = useObjectUrl(data?.blob);
  if (error) return <ProblemAlert error={error} />;
  return address ? <Image src={address} alt={props.entry.name} fit="contain" mah="60vh" /> : <Loader size="sm" />;
}

interface CloudFacts {
  format: string;
  points: number;
  min: number[] | null;
  max: number[] | null;
}

function PointCloud(props: FilePreviewProps) {
  const { data, error } = useBytes(props, Number.MAX_SAFE_INTEGER, "pointcloud");
  const address = useObjectUrl(data?.blob.size ? data.blob : undefined);
  if (error) return <ProblemAlert error={error} />;
  if (!data) return <Loader size="sm" />;
  const facts = JSON.parse(data.facts ?? "{}") as CloudFacts;
  return (
    <Group align="flex-start" gap="lg">
      {address && <Image src={address} alt={`${props.entry.name} from above`} w={320} maw="100%" fit="contain" />}
      <Facts
        facts={[
          ["Format", facts.format],
          ["Points", facts.points.toLocaleString()],
          facts.min !== null && facts.max !== null && ["Bounds", `${facts.min.join(", ")} to ${facts.max.join(", ")}`],
        ]}
      />
    </Group>
  );
}

function Notebook(props: FilePreviewProps) {
  const { data, error } = useBytes(props, NOTEBOOK_BYTES);
  const { data: text } = useQuery({
    queryKey: [...fileKeys.folder(props.folder), "notebook", props.path, data?.version ?? ""],
    queryFn: () => data?.blob.text() ?? "",
    enabled: Boolean(data),
    gcTime: 0,
  });
  if (error) return <ProblemAlert error={error} />;
  return text === undefined ? <Loader size="sm" /> : <NotebookPreview text={text} />;
}

function TooLarge() {
  return <Alert color="gray">This picture is too large to show here. Download it to open it.</Alert>;
}

function useObjectUrl(blob: Blob | undefined): string | undefined {
  const address = useMemo(() => (blob ? URL.createObjectURL(blob) : undefined), [blob]);
  useEffect(() => {
    if (address) return () => URL.revokeObjectURL(address);
  }, [address]);
  return address;
}

/** Null for what is no text. */
function readText(bytes: ArrayBuffer): string | null {
  const view = new Uint8Array(bytes);
  if (view.subarray(0, 4096).includes(0)) return null;
  try {
    // The end of a piece may be the middle of a character.
    return new TextDecoder("utf-8", { fatal: true }).decode(view, { stream: true });
  } catch {
    return null;
  }
}
