/**
 * Files at sites. The hub says who may open what; the folder itself is asked at its site's file server, with a
 * short-lived grant in a header. No cookie goes there, and no grant stands in an address.
 */
import { queryOptions, useMutation, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { api, body } from "./client";
import { problemOf } from "./problem";
import type { Drive, FileGrant, SaveRequest } from "./types";

export interface FolderId {
  kind: "home" | "group" | "outputs" | "dataset";
  site?: string;
  group?: string;
  run?: string;
  dataset?: string;
}

export interface Entry {
  name: string;
  kind: "file" | "folder" | "link" | "other";
  size_bytes: number | null;
  /** Unix seconds */
  modified_at: number;
  /** changes with every save */
  version: string;
  target: string | null;
}

export interface Listing {
  items: Entry[];
  total: number;
  next: number | null;
}

export type Sort = "name" | "size" | "modified";

/** One piece of an upload: what a broken connection costs at most. */
export const PIECE_BYTES = 8 << 20;
const RENEW_MS = 60_000;
const grants = new Map<string, Promise<FileGrant>>();

export const fileKeys = {
  all: ["files"] as const,
  places: ["files", "places"] as const,
  drives: ["files", "drives"] as const,
  folder: (folder: FolderId) => ["files", "folder", folder] as const,
  list: (folder: FolderId, path: string, sort: Sort, descending: boolean) => ["files", "folder", folder, "list", path, sort, descending] as const,
  saving: (id: string) => ["files", "saving", id] as const,
};

export const placesQuery = queryOptions({
  queryKey: fileKeys.places,
  queryFn: () => body(api.GET("/api/v1/files/places")),
});

/** A grant for the folder; writing where that is possible. */
export function grantFor(folder: FolderId): Promise<FileGrant> {
  const key = JSON.stringify(folder);
  const asked = grants.get(key) ?? ask(folder);
  grants.set(key, asked);
  return asked.then(
    (grant) => {
      if (new Date(grant.expires_at).getTime() > Date.now() + RENEW_MS) return grant;
      grants.delete(key);
      return grantFor(folder);
    },
    (error: unknown) => {
      grants.delete(key);
      throw error;
    },
  );
}

function ask(folder: FolderId): Promise<FileGrant> {
  const write = folder.kind === "home" || folder.kind === "group";
  return body(api.POST("/api/v1/files/grants", { body: { ...folder, write } }));
}

/** Asks the site's file server; refusals are thrown as problems. */
export async function askSite(folder: FolderId, method: string, door: string, query: Record<string, string> = {}, init: RequestInit = {}): Promise<Response> {
  const grant = await grantFor(folder);
  const address = new URL(`${grant.url}/files/v1/${door}`);
  for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
  const headers = new Headers(init.headers);
  headers.set("Authorization", `Bearer ${grant.token}`);
  const response = await globalThis.fetch(new Request(address, { ...init, method, headers, credentials: "omit", cache: "no-store" }));
  if (!response.ok) throw await problemOf(response);
  return response;
}

export const grantQuery = (folder: FolderId) =>
  queryOptions({ queryKey: [...fileKeys.folder(folder), "grant"], queryFn: () => grantFor(folder), retry: false });

export const listQuery = (folder: FolderId, path: string, sort: Sort, descending: boolean) =>
  queryOptions({
    queryKey: fileKeys.list(folder, path, sort, descending),
    queryFn: async () => (await (await askSite(folder, "GET", "list", { path, sort, descending: String(descending), limit: "500" })).json()) as Listing,
    retry: false,
  });

export async function listMore(folder: FolderId, path: string, sort: Sort, descending: boolean, after: number): Promise<Listing> {
  const query = { path, sort, descending: String(descending), limit: "500", after: String(after) };
  return (await (await askSite(folder, "GET", "list", query)).json()) as Listing;
}

async function tell(folder: FolderId, door: string, content: object): Promise<unknown> {
  const init = { body: JSON.stringify(content), headers: { "Content-Type": "application/json" } };
  return (await askSite(folder, "POST", door, {}, init)).json();
}

/** Asks for the lists of a folder again; one that is on its way was asked for before the change. */
export async function renewFolder(client: QueryClient, folder: FolderId): Promise<void> {
  await client.cancelQueries({ queryKey: fileKeys.folder(folder) });
  await client.invalidateQueries({ queryKey: fileKeys.folder(folder) });
}

/** What changes a folder; the lists of it are asked for again. */
export function useChanges(folder: FolderId) {
  const client = useQueryClient();
  const onSettled = () => renewFolder(client, folder);
  return {
    makeFolder: useMutation({ mutationFn: (path: string) => tell(folder, "folder", { path }), onSettled }),
    move: useMutation({ mutationFn: (move: { path: string; to: string }) => tell(folder, "move", move), onSettled }),
    remove: useMutation({ mutationFn: async (paths: string[]) => (await tell(folder, "delete", { paths })) as { trash: string; paths: string[] }, onSettled }),
    restore: useMutation({ mutationFn: (trash: string) => tell(folder, "restore", { trash }), onSettled }),
    save: useMutation({
      mutationFn: async ({ path, text, version }: { path: string; text: string; version: string }) => {
        const init = { body: text, headers: { "If-Match": `"${version}"`, "Content-Type": "application/octet-stream" } };
        return ((await (await askSite(folder, "PUT", "content", { path }, init)).json()) as { entry: Entry }).entry;
      },
      onSettled,
    }),
  };
}

/** Begins a download: a form, so that the grant stands in no address. Several things, or a folder, come as a ZIP. */
export async function download(folder: FolderId, paths: readonly string[]): Promise<void> {
  const grant = await grantFor(folder);
  const form = document.createElement("form");
  form.method = "POST";
  form.action = `${grant.url}/files/v1/download`;
  for (const [name, value] of [["grant", grant.token], ...paths.map((path) => ["path", path])] as [string, string][]) {
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = name;
    field.value = value;
    form.append(field);
  }
  document.body.append(form);
  form.submit();
  form.remove();
}

export const drivesQuery = queryOptions({
  queryKey: fileKeys.drives,
  queryFn: () => body(api.GET("/api/v1/files/drives")),
});

export function useOpenDrive() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (wish: FolderId & { name: string; days: number }) =>
      body(api.POST("/api/v1/files/drives", { body: { ...wish, write: wish.kind === "home" || wish.kind === "group" } })),
    onSuccess: () => client.invalidateQueries({ queryKey: fileKeys.drives }),
  });
}

export function useCloseDrive() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (drive: Drive) => body(api.DELETE("/api/v1/files/drives/{drive_id}", { params: { path: { drive_id: drive.id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: fileKeys.drives }),
  });
}

export function useSaveDataset() {
  return useMutation({ mutationFn: (wish: SaveRequest) => body(api.POST("/api/v1/datasets/save", { body: wish })) });
}

export const savingQuery = (id: string) =>
  queryOptions({
    queryKey: fileKeys.saving(id),
    queryFn: () => body(api.GET("/api/v1/datasets/save/{saving_id}", { params: { path: { saving_id: id } } })),
    refetchInterval: ({ state }) => (!state.data || state.data.state === "queued" || state.data.state === "running" ? 700 : false),
  });

export function useCancelSaving() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => body(api.DELETE("/api/v1/datasets/save/{saving_id}", { params: { path: { saving_id: id } } })),
    onSettled: (_answer, _error, id) => client.invalidateQueries({ queryKey: fileKeys.saving(id) }),
  });
}
