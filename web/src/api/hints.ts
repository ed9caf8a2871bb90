/** What the hub says has changed: one stream for all tabs of a browser, and which cached answers it makes stale. */
import type { QueryClient } from "@tanstack/react-query";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { reconnecting } from "./event-source";
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
      return [keys.runs.one(key), ["runs", "list"], keys.me, ["class"]];
    case "notice":
      return [["notices"], keys.notices.webhooks];
    case "class":
      return [["class", key]];
    case "dataset":
      return [keys.datasets.all];
    case "tool":
      return [keys.tools.all];
    case "runner":
    case "site":
      return [keys.sites.all, keys.status, keys.tools.list];
    case "errand":
      return [keys.homes.all, keys.images.all];
    default:
      return [];
  }
}

/** How long hints are gathered before anything is refetched: a launch sends several at once. */
const GATHER_MS = 120;
/** A class is read as a whole, and on a crowded morning much happens in it. */
const GATHER_CLASS_MS = 1000;

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

/** What the tab that holds the stream passes on to the others. */
type Word = { hint: string } | { connected: boolean; missed: boolean } | { asks: true };

const NAME = "alongside-hints";

/**
 * Follows `/live/v1/events` for as long as someone is signed in. Call it once, in the shell. One tab holds the
 * stream and tells the others; when it is closed, another takes its place.
 */
export function useEventStream() {
  const client = useQueryClient();
  useEffect(() => {
    if (typeof EventSource === "undefined") return;
    const gathered = gather(client);
    const others = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(NAME);
    const gone = new AbortController();
    const take = (word: Word) => {
      if ("hint" in word) gathered.add(word.hint);
      if ("connected" in word) {
        setConnected(word.connected);
        if (word.missed) void client.invalidateQueries(); // what was said while nobody listened is lost
      }
    };
    if (others) {
      others.onmessage = (event: MessageEvent<Word>) => take(event.data);
      others.postMessage({ asks: true } satisfies Word);
    }
    const since = performance.now();
    const hold = () => holdStream(gone.signal, others, take, performance.now() - since > TOOK_OVER_MS);
    // Web locks exist on secure origins only; elsewhere each tab has a stream of its own.
    if (others && navigator.locks) navigator.locks.request(NAME, { signal: gone.signal }, hold).catch(() => undefined);
    else void hold();
    return () => {
      gone.abort();
      gathered.stop();
      others?.close();
      setConnected(false);
    };
  }, [client]);
}

/** A tab that waited this long for the stream took it over from another one, and may have missed something. */
const TOOK_OVER_MS = 500;

/** Reads the stream until `gone`, for this tab and the others. */
function holdStream(gone: AbortSignal, others: BroadcastChannel | null, take: (word: Word) => void, tookOver: boolean): Promise<void> {
  let wasOpen = tookOver;
  let isOpen = false;
  const say = (word: Word) => {
    take(word);
    others?.postMessage(word);
  };
  if (others) {
    others.onmessage = (event: MessageEvent<Word>) => {
      if ("asks" in event.data) others.postMessage({ connected: isOpen, missed: false } satisfies Word);
    };
  }
  const stream = reconnecting(
    () => "/live/v1/events",
    (source) => {
      source.onopen = () => {
        isOpen = true;
        say({ connected: true, missed: wasOpen });
        wasOpen = true;
      };
      source.onmessage = (event: MessageEvent<string>) => say({ hint: event.data });
    },
    () => {
      isOpen = false;
      say({ connected: false, missed: false });
    },
  );
  return new Promise((resolve) => {
    gone.addEventListener("abort", () => {
      stream.close();
      resolve();
    });
  });
}

function gather(client: QueryClient) {
  const quick = gatherFor(client, GATHER_MS);
  const slow = gatherFor(client, GATHER_CLASS_MS);
  return {
    add(data: string) {
      const hint = parseHint(data);
      if (!hint) return;
      for (const queryKey of staleKeys(hint)) (queryKey[0] === "class" ? slow : quick).add(queryKey);
    },
    stop() {
      quick.stop();
      slow.stop();
    },
  };
}

function gatherFor(client: QueryClient, ms: number) {
  const waiting = new Map<string, readonly unknown[]>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    timer = undefined;
    for (const queryKey of waiting.values()) void client.invalidateQueries({ queryKey });
    waiting.clear();
  };
  return {
    add(queryKey: readonly unknown[]) {
      waiting.set(JSON.stringify(queryKey), queryKey);
      timer ??= setTimeout(flush, ms);
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
