/** Shells in runs: a ticket of the hub's, and a WebSocket to the run's own origin. */
import { queryOptions } from "@tanstack/react-query";
import { api, body } from "./client";
import { keys } from "./keys";

const PROTOCOL = "alongside.shell.v1";
/** Closed because the right to be there has ended. */
const REVOKED = 4403;

interface Listener {
  opened: () => void;
  output: (data: Uint8Array) => void;
  /** Once, at the end; with the exit code if the shell itself ended. */
  ended: (why: string, exitCode: number | null) => void;
}

export interface ShellConnection {
  send: (text: string) => void;
  resize: (cols: number, rows: number) => void;
  close: () => void;
}

export function runPortsQuery(id: string) {
  return queryOptions({
    queryKey: keys.runs.part(id, "ports"),
    queryFn: () => body(api.GET("/api/v1/runs/{run_id}/ports", { params: { path: { run_id: id } } })),
    refetchInterval: 5_000,
  });
}

/** Open a shell of this size. The ticket goes in the first message: addresses are written to logs. */
export async function openShell(run: string, cols: number, rows: number, listener: Listener): Promise<ShellConnection> {
  const access = await body(api.POST("/api/v1/runs/{run_id}/shell", { params: { path: { run_id: run } } }));
  const socket = new WebSocket(access.url, PROTOCOL);
  socket.binaryType = "arraybuffer";
  const encoder = new TextEncoder();
  let problem = "";
  let exitCode: number | null = null;
  socket.onopen = () => {
    socket.send(JSON.stringify({ ticket: access.ticket, cols, rows, term: "xterm-256color" }));
  };
  socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
    if (typeof event.data !== "string") {
      listener.output(new Uint8Array(event.data, 1));
      return;
    }
    const said = JSON.parse(event.data) as { started?: boolean; exit?: number; error?: string };
    if (said.started) listener.opened();
    if (said.exit !== undefined) exitCode = said.exit;
    if (said.error) problem = said.error;
  };
  socket.onclose = (event) => {
    listener.ended(problem || (event.code === REVOKED ? "The access was revoked." : "The connection ended."), exitCode);
  };
  const tell = (data: string | Uint8Array<ArrayBuffer>) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(data);
  };
  return {
    send: (text) => tell(encoder.encode(text)),
    resize: (newCols, newRows) => tell(JSON.stringify({ resize: [newCols, newRows] })),
    close: () => {
      socket.onclose = null;
      socket.close();
    },
  };
}
