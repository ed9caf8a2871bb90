/** Homes at sites: sizes, snapshots, making and mending them. What is under way is asked for again until it ends. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body, everyPage } from "./client";
import { keys } from "./keys";
import type { Home, HomeSnapshot } from "./types";

const BUSY_MS = 1500;

export const homesQuery = (everyone = false) =>
  queryOptions({
    queryKey: keys.homes.list(everyone),
    queryFn: () => everyPage<Home>((cursor) => body(api.GET("/api/v1/homes", { params: { query: { everyone, cursor } } }))),
    refetchInterval: ({ state }) => (state.data?.some((home) => home.busy) ? BUSY_MS : false),
  });

export const homeSnapshotsQuery = (id: string) =>
  queryOptions({
    queryKey: keys.homes.snapshots(id),
    queryFn: () =>
      everyPage<HomeSnapshot>((cursor) => body(api.GET("/api/v1/homes/{id}/snapshots", { params: { path: { id }, query: { cursor } } }))),
    refetchInterval: ({ state }) => (state.data?.some(({ state: at }) => at === "making" || at === "removing") ? BUSY_MS : false),
  });

type Steering = { id: string } & (
  | { act: "measure" | "repair" }
  | { act: "snapshot"; name: string }
  | { act: "restore" | "forget"; snapshot: string }
  | { act: "quota"; quota_gb: number | null }
);

/** Anything that one does with a home. */
export function useSteerHome() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (given: Steering): Promise<unknown> => {
      const path = { id: given.id };
      switch (given.act) {
        case "measure":
          return body(api.POST("/api/v1/homes/{id}/measure", { params: { path } }));
        case "repair":
          return body(api.POST("/api/v1/homes/{id}/repair", { params: { path } }));
        case "quota":
          return body(api.PATCH("/api/v1/homes/{id}", { params: { path }, body: { quota_gb: given.quota_gb } }));
        case "snapshot":
          return body(api.POST("/api/v1/homes/{id}/snapshots", { params: { path }, body: { name: given.name } }));
        case "restore":
          return body(
            api.POST("/api/v1/homes/{id}/snapshots/{snapshot}/restore", { params: { path: { ...path, snapshot: given.snapshot } } }),
          );
        case "forget":
          return body(api.DELETE("/api/v1/homes/{id}/snapshots/{snapshot}", { params: { path: { ...path, snapshot: given.snapshot } } }));
      }
    },
    onSettled: () => client.invalidateQueries({ queryKey: keys.homes.all }),
  });
}
