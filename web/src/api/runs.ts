/** Runs: list, one run and its parts, launching, and the verbs that steer a run. */
import { infiniteQueryOptions, keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body, everyPage } from "./client";
import { keys } from "./keys";
import type { DatasetUse, Run, RunRequest } from "./types";

const PAGE_SIZE = 50;

export interface RunFilter {
  state?: string;
  tool?: string;
  kind?: "interactive" | "task";
  all?: boolean;
}

export const runsQuery = (filter: RunFilter) =>
  infiniteQueryOptions({
    queryKey: keys.runs.list(filter),
    queryFn: ({ pageParam }) =>
      body(api.GET("/api/v1/runs", { params: { query: { ...filter, limit: PAGE_SIZE, cursor: pageParam } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  });

/** The caller's latest runs, for the buttons beside datasets and tools. */
export const myRunsQuery = queryOptions({
  queryKey: keys.runs.list({ mine: true }),
  queryFn: async () => (await body(api.GET("/api/v1/runs", { params: { query: { limit: 100 } } }))).items,
});

export const runQuery = (id: string) =>
  queryOptions({
    queryKey: keys.runs.one(id),
    queryFn: () => body(api.GET("/api/v1/runs/{run_id}", { params: { path: { run_id: id } } })),
  });

export const runEventsQuery = (id: string) =>
  queryOptions({
    queryKey: keys.runs.part(id, "events"),
    queryFn: () =>
      everyPage((cursor) =>
        body(api.GET("/api/v1/runs/{run_id}/events", { params: { path: { run_id: id }, query: { cursor, limit: 200 } } })),
      ),
  });

export const runAttemptsQuery = (id: string) =>
  queryOptions({
    queryKey: keys.runs.part(id, "attempts"),
    queryFn: () =>
      everyPage((cursor) => body(api.GET("/api/v1/runs/{run_id}/attempts", { params: { path: { run_id: id }, query: { cursor } } }))),
  });

export const runArtifactsQuery = (id: string) =>
  queryOptions({
    queryKey: keys.runs.part(id, "artifacts"),
    queryFn: () =>
      everyPage((cursor) => body(api.GET("/api/v1/runs/{run_id}/artifacts", { params: { path: { run_id: id }, query: { cursor } } }))),
  });

export const runExplanationQuery = (id: string) =>
  queryOptions({
    queryKey: keys.runs.part(id, "explain"),
    queryFn: () => body(api.GET("/api/v1/runs/{run_id}/explain", { params: { path: { run_id: id } } })),
    refetchInterval: 5_000,
  });

export const runActionsQuery = (id: string) =>
  queryOptions({
    queryKey: keys.runs.part(id, "actions"),
    queryFn: async () => (await body(api.GET("/api/v1/actions", { params: { query: { run: id, limit: 20 } } }))).items,
  });

/** What a request would start, where, and why not elsewhere. Launches nothing. */
export const previewQuery = (request: RunRequest | null) =>
  queryOptions({
    queryKey: keys.runs.preview(request ?? {}),
    queryFn: () => body(api.POST("/api/v1/runs/preview", { body: request as RunRequest })),
    enabled: request !== null,
    placeholderData: keepPreviousData,
    retry: false,
    staleTime: 5_000,
  });

export function useLaunch() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ request, key }: { request: RunRequest; key: string }) =>
      body(api.POST("/api/v1/runs", { body: request, params: { header: { "Idempotency-Key": key } } })),
    onSuccess: (run: Run) => {
      client.setQueryData(keys.runs.one(run.id), run);
      return Promise.all([
        client.invalidateQueries({ queryKey: ["runs", "list"] }),
        client.invalidateQueries({ queryKey: keys.me }),
      ]);
    },
  });
}

export type Verb = "start" | "stop" | "cancel";

export function useSteer() {
  const refresh = useRefreshRuns();
  return useMutation({
    mutationFn: ({ id, verb }: { id: string; verb: Verb }) =>
      body(api.POST(`/api/v1/runs/{run_id}/${verb}`, { params: { path: { run_id: id } } })),
    onSettled: refresh,
  });
}

export function useExtend(id: string) {
  const refresh = useRefreshRuns();
  return useMutation({
    mutationFn: (seconds: number) =>
      body(api.POST("/api/v1/runs/{run_id}/extend", { params: { path: { run_id: id } }, body: { seconds } })),
    onSettled: refresh,
  });
}

/** It is in use although nothing happens in it. */
export function useKeep(id: string) {
  const refresh = useRefreshRuns();
  return useMutation({
    mutationFn: () => body(api.POST("/api/v1/runs/{run_id}/keep", { params: { path: { run_id: id } } })),
    onSettled: refresh,
  });
}

export function useDeleteRun() {
  const refresh = useRefreshRuns();
  return useMutation({
    mutationFn: (id: string) => body(api.DELETE("/api/v1/runs/{run_id}", { params: { path: { run_id: id } } })),
    onSettled: refresh,
  });
}

export function useAttach(id: string) {
  const refresh = useRefreshRuns();
  return useMutation({
    mutationFn: (use: DatasetUse) =>
      body(api.POST("/api/v1/runs/{run_id}/datasets", { params: { path: { run_id: id } }, body: use })),
    onSettled: refresh,
  });
}

export function useDetach(id: string) {
  const refresh = useRefreshRuns();
  return useMutation({
    mutationFn: (name: string) =>
      body(api.DELETE("/api/v1/runs/{run_id}/datasets/{name}", { params: { path: { run_id: id, name } } })),
    onSettled: refresh,
  });
}

export function useRunAccess(id: string) {
  return useMutation({
    mutationFn: () => body(api.POST("/api/v1/runs/{run_id}/access", { params: { path: { run_id: id } } })),
  });
}

function useRefreshRuns() {
  const client = useQueryClient();
  return () =>
    Promise.all([client.invalidateQueries({ queryKey: keys.runs.all }), client.invalidateQueries({ queryKey: keys.me })]);
}
