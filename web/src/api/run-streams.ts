/** What is alive about one run: its progress and its log, as they happen. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { raw } from "./client";
import { reconnecting, useTabVisible } from "./event-source";
import { keys } from "./keys";

export interface Progress {
  progress: number;
  message: string;
}

/** Words after which a progress stream has nothing more to say. */
const SETTLED = new Set(["Ready", "Stopped", "Ended", "Failed"]);

/** Progress of one starting run, straight from its stream: finer than what the record keeps. */
export function useRunProgress(id: string, moving: boolean): Progress | null {
  const live = useTabVisible() && moving;
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
  return moving ? progress : null;
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
export function useLogTail(run: string, attempt: number, moving: boolean): LogTail {
  const live = useTabVisible() && moving;
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
