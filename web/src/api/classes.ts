/** Resource classes of sites, classes of accounts, and the labels of runners. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body, everyPage } from "./client";
import { keys } from "./keys";
import type { NewResourceClass, WantedLimits } from "./types";

export const resourceClassesQuery = (site: string) =>
  queryOptions({
    queryKey: keys.classes.of(site),
    queryFn: () =>
      everyPage((cursor) => body(api.GET("/api/v1/sites/{name}/classes", { params: { path: { name: site }, query: { cursor } } }))),
  });

export const accountClassesQuery = queryOptions({
  queryKey: keys.classes.accounts,
  queryFn: () => everyPage((cursor) => body(api.GET("/api/v1/account-classes", { params: { query: { cursor } } }))),
});

/** Makes a class, or changes the one of this name. */
export function usePutResourceClass(site: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ known, wanted: { name, ...wanted } }: { known: boolean; wanted: NewResourceClass }) =>
      known
        ? body(api.PATCH("/api/v1/sites/{name}/classes/{class_name}", { params: { path: { name: site, class_name: name } }, body: wanted }))
        : body(api.POST("/api/v1/sites/{name}/classes", { params: { path: { name: site } }, body: { name, ...wanted } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.classes.of(site) }),
  });
}

export function useRemoveResourceClass(site: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (name: string) =>
      body(api.DELETE("/api/v1/sites/{name}/classes/{class_name}", { params: { path: { name: site, class_name: name } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.classes.of(site) }),
  });
}

export function usePutAccountClass() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ name, title, limits }: { name: string; title: string; limits: WantedLimits }) =>
      body(api.PUT("/api/v1/account-classes/{name}", { params: { path: { name } }, body: { title, limits } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.classes.accounts }),
  });
}

export function useRemoveAccountClass() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (name: string) => body(api.DELETE("/api/v1/account-classes/{name}", { params: { path: { name } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.classes.accounts }),
  });
}

export function useLabelRunner() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, labels }: { id: string; labels: string[] }) =>
      body(api.PATCH("/api/v1/runners/{id}", { params: { path: { id } }, body: { added_labels: labels } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.sites.all }),
  });
}
