/** Sharing: who may open a run of mine, who is in, and what others share with me. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body, everyPage } from "./client";
import { keys } from "./keys";
import type { ShareKind } from "./types";

export const sharesQuery = (run_id: string) =>
  queryOptions({
    queryKey: keys.runs.part(run_id, "shares"),
    queryFn: () =>
      everyPage((cursor) => body(api.GET("/api/v1/runs/{run_id}/shares", { params: { path: { run_id }, query: { cursor } } }))),
  });

export const presenceQuery = (run_id: string) =>
  queryOptions({
    queryKey: keys.runs.part(run_id, "presence"),
    queryFn: async () => (await body(api.GET("/api/v1/runs/{run_id}/presence", { params: { path: { run_id } } }))).items,
    refetchInterval: 5_000,
  });

/** A share tells nobody's stream that it has changed: the list is asked for again. */
export const sharedRunsQuery = queryOptions({
  queryKey: keys.shared.list,
  queryFn: () => everyPage((cursor) => body(api.GET("/api/v1/shared-runs", { params: { query: { cursor } } }))),
  refetchInterval: 5_000,
});

export const sharedRunQuery = (run_id: string) =>
  queryOptions({
    queryKey: keys.shared.one(run_id),
    queryFn: () => body(api.GET("/api/v1/shared-runs/{run_id}", { params: { path: { run_id } } })),
    refetchInterval: ({ state }) => (state.error ? false : 3_000),
    retry: false,
  });

export function useShare(run_id: string) {
  const refresh = useRefresh(run_id);
  return useMutation({
    mutationFn: (wish: { kind: ShareKind; name: string | null; lasts_s: number | null }) =>
      body(api.POST("/api/v1/runs/{run_id}/shares", { params: { path: { run_id } }, body: wish })),
    onSuccess: refresh,
  });
}

/** With `account_id`, one person of a group or code alone. */
export function useRevoke(run_id: string) {
  const refresh = useRefresh(run_id);
  return useMutation({
    mutationFn: ({ share_id, account_id }: { share_id: string; account_id?: string }) =>
      account_id
        ? body<unknown>(
            api.DELETE("/api/v1/runs/{run_id}/shares/{share_id}/members/{account_id}", { params: { path: { run_id, share_id, account_id } } }),
          )
        : body<unknown>(api.DELETE("/api/v1/runs/{run_id}/shares/{share_id}", { params: { path: { run_id, share_id } } })),
    onSettled: refresh,
  });
}

export function useRedeem() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (code: string) => body(api.POST("/api/v1/shares/redeem", { body: { code } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.shared.all }),
  });
}

function useRefresh(run_id: string) {
  const client = useQueryClient();
  return () =>
    Promise.all(["shares", "presence", "events"].map((part) => client.invalidateQueries({ queryKey: keys.runs.part(run_id, part) })));
}
