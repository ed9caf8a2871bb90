/** Server-sent events that survive a restart of the hub and rest while nobody looks. */
import { useSyncExternalStore } from "react";

/** How long to wait before connecting again; a browser does so by itself only after some failures, not all. */
const RECONNECT_MS = 2_500;

/** An event source that is opened anew after every loss, at the address that fits by then. */
export function reconnecting(address: () => string, arm: (source: EventSource) => void, onLost?: () => void) {
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

/**
 * Whether the tab is in front. A browser keeps at most six connections to one host, for all its tabs together,
 * so a tab in the background lets go of its streams.
 */
export function useTabVisible(): boolean {
  return useSyncExternalStore(
    (watcher) => {
      document.addEventListener("visibilitychange", watcher);
      return () => document.removeEventListener("visibilitychange", watcher);
    },
    () => !document.hidden,
  );
}
