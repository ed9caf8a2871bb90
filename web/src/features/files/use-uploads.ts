/** Uploads in pieces: one file after the other, gone on with where a connection broke. */
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { askSite, PIECE_BYTES, renewFolder, type FolderId } from "@/api/files";
import { asProblem } from "@/api/problem";
import { joined } from "./paths";

export interface Upload {
  id: string;
  file: File;
  folder: FolderId;
  path: string;
  done: number;
  state: "waiting" | "going" | "complete" | "broken" | "exists" | "stopped";
  reason: string;
}

const TRIES = 4;

export function useUploads() {
  const client = useQueryClient();
  const [uploads, setUploads] = useState<Upload[]>([]);
  const line = useRef<Promise<void>>(Promise.resolve());
  const stopped = useRef(new Set<string>());

  const change = (id: string, members: Partial<Upload>) =>
    setUploads((before) => before.map((upload) => (upload.id === id ? { ...upload, ...members } : upload)));

  const begin = (upload: Upload, overwrite: boolean) => {
    stopped.current.delete(upload.id);
    line.current = line.current.then(async () => {
      change(upload.id, { state: "going", reason: "" });
      try {
        await send(upload, overwrite, (done) => change(upload.id, { done }), () => stopped.current.has(upload.id));
        change(upload.id, { state: stopped.current.has(upload.id) ? "stopped" : "complete", done: upload.file.size });
      } catch (error) {
        const problem = asProblem(error);
        change(upload.id, { state: problem.code === "name_taken" ? "exists" : "broken", reason: problem.detail });
      }
      await renewFolder(client, upload.folder);
    });
  };

  const add = (folder: FolderId, path: string, files: readonly File[]) => {
    const added = files.map(
      (file): Upload => ({ id: crypto.getRandomValues(new Uint32Array(2)).join("-"), file, folder, path: joined(path, file.name), done: 0, state: "waiting", reason: "" }),
    );
    setUploads((before) => [...before, ...added]);
    for (const upload of added) begin(upload, false);
  };

  return {
    uploads,
    add,
    again: begin,
    stop: (upload: Upload) => {
      stopped.current.add(upload.id);
      change(upload.id, { state: "stopped" });
    },
    clear: () => setUploads((before) => before.filter(({ state }) => state === "going" || state === "waiting")),
  };
}

async function send({ folder, path, file }: Upload, overwrite: boolean, told: (done: number) => void, isStopped: () => boolean): Promise<void> {
  const query = { path, upload: markOf(file), overwrite: String(overwrite) };
  let have = file.size > PIECE_BYTES ? await offsetOf(folder, query) : 0;
  for (let tries = 0; !isStopped(); ) {
    const piece = file.slice(have, have + PIECE_BYTES);
    const span: Record<string, string> = piece.size ? { "Content-Range": `bytes ${have}-${have + piece.size - 1}/${file.size}` } : {};
    try {
      const answer = await askSite(folder, "PUT", "content", query, { body: piece, headers: { ...span, "Content-Type": "application/octet-stream" } });
      const { offset, complete } = (await answer.json()) as { offset: number; complete: boolean };
      told((have = offset));
      tries = 0;
      if (complete) return;
    } catch (error) {
      const { status, code } = asProblem(error);
      const passes = status === 0 || status >= 500 || code === "conflict";
      if (!passes || ++tries >= TRIES) throw error;
      await new Promise((resume) => setTimeout(resume, 1_000 * tries));
      have = await offsetOf(folder, query).catch(() => have);
    }
  }
}

async function offsetOf(folder: FolderId, { path, upload }: { path: string; upload: string }): Promise<number> {
  return ((await (await askSite(folder, "GET", "upload", { path, upload })).json()) as { offset: number }).offset;
}

/** The same for the same state of the same file, so that choosing it again goes on with it. */
function markOf(file: File): string {
  let hash = 0x811c9dc5;
  for (const char of file.name) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return `w-${file.size.toString(36)}-${file.lastModified.toString(36)}-${hash.toString(36)}`.padEnd(8, "0").slice(0, 64);
}
