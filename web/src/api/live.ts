/** The waiting doors: one event stream per tab that says what to refetch, and the log of a run as it grows. */
import type { QueryClient } from "@tanstack/react-query";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, useSyncExternalStore } from "react";
import { raw } from "./client";
import { keys } from "./keys";

export interface Hint {
  kind: string;
  key: string;
}

/** Which cached answers a hint makes stale. */
export function staleKeys({ kind, key }: Hint): (readonly unknown[])[] {
  switch (kind) {
    case "run":
    case "action":
      return [keys.runs.one(key), ["runs", "list"], keys.me];
    case "dataset":
      return [keys.datasets.all];
    case "tool":
      return [keys.tools.all];
    case "runner":
    case "site":
      return [keys.sites.all, keys.status, keys.tools.list];
    default:
      return [];
  }
}

/** How long hints are gathered before anything is refetched: a launch sends several at once. */
const GATHER_MS = 120;

let connected = false;
const watchers = new Set<() => void>();

function setConnected(value: boolean) {
  connected = value;
  for (const watcher of watchers) watcher();
}

/** Whether this tab hears the hub; without it, pages that show something alive ask every few seconds. */
export function useLiveConnection(): boolean {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => connected,
  );
}

/** How long to wait before connecting again; a browser does so by itself only after some failures, not all. */
const RECONNECT_MS = 2_500;

/** Follows `/live/v1/events` for as long as someone is signed in. Call it once, in the shell. */
export function useEventStream() {
  const client = useQueryClient();
  useEffect(() => {
    if (typeof EventSource === "undefined") return;
    const gathered = gather(client);
    let wasOpen = false;
    const stream = reconnecting(() => "/live/v1/events", (source) => {
      source.onopen = () => {
        setConnected(true);
        if (wasOpen) void client.invalidateQueries(); // what was said while we were away is lost
        wasOpen = true;
      };
      source.onmessage = (event: MessageEvent<string>) => gathered.add(event.data);
    }, () => setConnected(false));
    return () => {
      stream.close();
      gathered.stop();
      setConnected(false);
    };
  }, [client]);
}

/** An event source that is opened anew after every loss, at the address that fits by then. */
function reconnecting(address: () => string, arm: (source: EventSource) => void, onLost?: () => void) {
  let source: EventSource;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const open = () => {
    source = new EventSource(address());
    source.onerror = () => {
      source.close();
      onLost?.();
      timer = setTimeout(open, RECONNECT_MS);
    };
    arm(source);
  };
  open();
  return {
    close: () => {
      clearTimeout(timer);
      source.close();
    },
  };
}

function gather(client: QueryClient) {
  const waiting = new Map<string, readonly unknown[]>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    timer = undefined;
    for (const queryKey of waiting.values()) void client.invalidateQueries({ queryKey });
    waiting.clear();
  };
  return {
    add(data: string) {
      const hint = parseHint(data);
      if (!hint) return;
      for (const queryKey of staleKeys(hint)) waiting.set(JSON.stringify(queryKey), queryKey);
      timer ??= setTimeout(flush, GATHER_MS);
    },
    stop: () => clearTimeout(timer),
  };
}

function parseHint(data: string): Hint | null {
  try {
    const value = JSON.parse(data) as Hint;
    return typeof value.kind === "string" ? value : null;
  } catch {
    return null;
  }
}

export interface Progress {
  progress: number;
  message: string;
}

/** Words after which a progress stream has nothing more to say. */
const SETTLED = new Set(["Ready", "Stopped", "Ended", "Failed"]);

/** Progress of one starting run, straight from its stream: finer than what the record keeps. */
export function useRunProgress(id: string, live: boolean): Progress | null {
  const [progress, setProgress] = useState<Progress | null>(null);
  const client = useQueryClient();
  useEffect(() => {
    if (!live || typeof EventSource === "undefined") return;
    const stream = reconnecting(() => `/live/v1/runs/${id}/progress`, (source) => {
      source.onmessage = (event: MessageEvent<string>) => {
        const fact = JSON.parse(event.data) as Progress & { word: string };
        setProgress({ progress: fact.progress, message: fact.message });
        if (SETTLED.has(fact.word)) {
          stream.close(); // it has said everything, and would only say it again
          void client.invalidateQueries({ queryKey: keys.runs.one(id) });
        }
      };
    });
    return () => stream.close();
  }, [client, id, live]);
  return live ? progress : null;
}

/** As much of the end of a log as a page keeps; the whole of it can be downloaded. */
export const LOG_WINDOW_BYTES = 512 * 1024;

export interface LogTail {
  text: string;
  /** whether earlier text was left out */
  cut: boolean;
  state: "loading" | "following" | "ended" | "failed";
}

/** The log of one attempt: what there is, then what is added while it runs. */
export function useLogTail(run: string, attempt: number, live: boolean): LogTail {
  const [tail, setTail] = useState<LogTail>({ text: "", cut: false, state: "loading" });
  useEffect(() => {
    const gone = new AbortController();
    let stream: { close: () => void } | undefined;
    const follow = (from: number) => {
      if (!live || typeof EventSource === "undefined") {
        setTail((before) => ({ ...before, state: "ended" }));
        return;
      }
      setTail((before) => ({ ...before, state: "following" }));
      let offset = from;
      stream = reconnecting(() => `/live/v1/runs/${run}/log?attempt=${attempt}&offset=${offset}`, (source) => {
        source.addEventListener("log", (event: MessageEvent<string>) => {
          const piece = JSON.parse(event.data) as { offset: number; text: string };
          offset = piece.offset + new TextEncoder().encode(piece.text).length;
          setTail((before) => appended(before, piece.text));
        });
        source.addEventListener("end", () => {
          stream?.close();
          setTail((before) => ({ ...before, state: "ended" }));
        });
      });
    };
    readLog(run, attempt, gone.signal).then(
      ({ text, size, cut }) => {
        if (gone.signal.aborted) return;
        setTail({ text, cut, state: "loading" });
        follow(size);
      },
      () => !gone.signal.aborted && setTail((before) => ({ ...before, state: "failed" })),
    );
    return () => {
      gone.abort();
      stream?.close();
    };
  }, [run, attempt, live]);
  return tail;
}

async function readLog(run: string, attempt: number, signal: AbortSignal) {
  const address = `/api/v1/runs/${run}/log?attempt=${attempt}`;
  const probe = await raw(`${address}&limit=1`, { signal });
  const total = Number(probe.headers.get("x-log-size") ?? 0);
  const from = Math.max(0, total - LOG_WINDOW_BYTES);
  if (total === 0) return { text: "", size: 0, cut: false };
  const response = await raw(`${address}&offset=${from}&limit=${LOG_WINDOW_BYTES}`, { signal });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { text: new TextDecoder().decode(bytes), size: from + bytes.length, cut: from > 0 };
}

function appended(before: LogTail, text: string): LogTail {
  const whole = before.text + text;
  const over = whole.length - LOG_WINDOW_BYTES;
  return over > 0 ? { ...before, text: whole.slice(over), cut: true } : { ...before, text: whole };
}
