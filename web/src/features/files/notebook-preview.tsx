/** A notebook's cells as text and pictures: nothing in it runs, and no HTML of it is believed. */
import { Box, Image, Stack, Text } from "@mantine/core";

interface Output {
  text?: string | string[];
  data?: Record<string, string | string[]>;
  traceback?: string[];
}

interface Cell {
  cell_type: string;
  source: string | string[];
  outputs?: Output[];
}

const CELLS = 200;

export function NotebookPreview({ text }: { text: string }) {
  const cells = cellsOf(text);
  if (!cells) return <Text size="sm">This is not a notebook that can be read.</Text>;
  return (
    <Stack gap="xs" mah="60vh" style={{ overflow: "auto" }} tabIndex={0} role="region" aria-label="Notebook">
      {cells.slice(0, CELLS).map((cell, index) => (
        <Box key={index} p="xs" style={{ border: "1px solid var(--alongside-line)", borderRadius: "var(--mantine-radius-md)" }}>
          <Lines text={whole(cell.source)} code={cell.cell_type === "code"} />
          {cell.outputs?.map((output, number) => <Shown key={number} output={output} />)}
        </Box>
      ))}
    </Stack>
  );
}

function Shown({ output }: { output: Output }) {
  const picture = whole(output.data?.["image/png"]).replace(/\s/g, "");
  if (/^[A-Za-z0-9+/=]+$/.test(picture)) return <Image mt="xs" src={`data:image/png;base64,${picture}`} alt="Output" fit="contain" mah={400} bg="#fff" w="fit-content" maw="100%" />;
  const text = whole(output.text) || whole(output.data?.["text/plain"]) || (output.traceback ?? []).join("\n");
  return text ? <Lines text={text.replace(/\u001b\[[0-9;]*m/g, "")} code quiet /> : null;
}

function Lines({ text, code, quiet }: { text: string; code: boolean; quiet?: boolean }) {
  return (
    <Box component="pre" className={code ? "mono" : undefined} m={0} mt={quiet ? "xs" : 0} fz={code ? "xs" : "sm"} c={quiet ? "dimmed" : undefined} style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere", fontFamily: code ? undefined : "inherit" }}>
      {text}
    </Box>
  );
}

function cellsOf(text: string): Cell[] | null {
  try {
    const found = JSON.parse(text) as { cells?: unknown };
    return Array.isArray(found.cells) ? (found.cells as Cell[]) : null;
  } catch {
    return null;
  }
}

function whole(text: string | string[] | undefined): string {
  return Array.isArray(text) ? text.join("") : (text ?? "");
}
