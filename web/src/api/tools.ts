/** Tools: the catalogue, one version, checking and publishing a specification. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body, everyPage, raw } from "./client";
import { keys } from "./keys";
import type { Fault, ToolVersion } from "./types";

const YAML = { "Content-Type": "application/yaml" };

export const toolsQuery = queryOptions({
  queryKey: keys.tools.list,
  queryFn: () => everyPage((cursor) => body(api.GET("/api/v1/tools", { params: { query: { cursor } } }))),
});

export const toolQuery = (name: string) =>
  queryOptions({
    queryKey: keys.tools.one(name),
    queryFn: () => body(api.GET("/api/v1/tools/{name}", { params: { path: { name } } })),
  });

export const toolVersionQuery = (name: string, version: string) =>
  queryOptions({
    queryKey: keys.tools.version(name, version),
    queryFn: () => body(api.GET("/api/v1/tools/{name}/versions/{version}", { params: { path: { name, version } } })),
    staleTime: Infinity, // a published version never changes
  });

/** Every fault of a specification at once. YAML includes JSON, so either may be pasted. */
export function useValidateTool() {
  return useMutation({
    mutationFn: async (source: string) => {
      const response = await raw("/api/v1/tools/validate", { method: "POST", headers: YAML, body: source });
      return (await response.json()) as { ok: boolean; faults: Fault[] };
    },
  });
}

export function usePublishTool() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (source: string) => {
      const response = await raw("/api/v1/tools", { method: "POST", headers: YAML, body: source });
      return (await response.json()) as ToolVersion;
    },
    onSuccess: () => client.invalidateQueries({ queryKey: keys.tools.all }),
  });
}

export function useDeleteToolVersion() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (path: { name: string; version: string }) =>
      body(api.DELETE("/api/v1/tools/{name}/versions/{version}", { params: { path } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.tools.all }),
  });
}
