/** Paths inside a folder, and the folder itself, as they stand in the page's address. */
import type { FolderId } from "@/api/files";

export function joined(folder: string, name: string): string {
  return folder ? `${folder}/${name}` : name;
}

export function parentOf(path: string): string {
  return path.split("/").slice(0, -1).join("/");
}

export function nameOf(path: string): string {
  return path.split("/").at(-1) ?? path;
}

export function suffixOf(path: string): string {
  const name = nameOf(path).toLowerCase();
  return name.includes(".") ? (name.split(".").at(-1) ?? "") : "";
}

/** `home@lab`, `group/physics@lab`, `run/01…`, `dataset/01…`: as the command line writes them. */
export function writtenAs(folder: FolderId): string {
  const at = folder.site ? `@${folder.site}` : "";
  switch (folder.kind) {
    case "home":
      return `home${at}`;
    case "group":
      return `group/${folder.group ?? ""}${at}`;
    case "outputs":
      return `run/${folder.run ?? ""}`;
    case "dataset":
      return `dataset/${folder.dataset ?? ""}`;
  }
}

export function readAs(text: string | null): FolderId | null {
  const match = /^(home|group|run|dataset)(?:\/([^@]+))?(?:@(.+))?$/.exec(text ?? "");
  if (!match) return null;
  const [, kind, name, site] = match;
  if (kind === "home") return { kind, ...(site && { site }) };
  if (!name) return null;
  if (kind === "group") return { kind, group: name, ...(site && { site }) };
  return kind === "run" ? { kind: "outputs", run: name } : { kind: "dataset", dataset: name };
}

export function linkTo(folder: FolderId, path = ""): string {
  const query = new URLSearchParams({ in: writtenAs(folder), ...(path && { path }) });
  return `/files?${query.toString()}`;
}
