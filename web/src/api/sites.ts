/** Sites, their runners and the invitations by which runners join; the state of the installation. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body, everyPage } from "./client";
import { keys } from "./keys";

export const sitesQuery = queryOptions({
  queryKey: keys.sites.all,
  queryFn: () => everyPage((cursor) => body(api.GET("/api/v1/sites", { params: { query: { cursor } } }))),
});

export const statusQuery = queryOptions({
  queryKey: keys.status,
  queryFn: () => body(api.GET("/api/v1/status")),
  staleTime: 10_000,
});

export const invitationsQuery = (site: string) =>
  queryOptions({
    queryKey: keys.sites.tokens(site),
    queryFn: () =>
      everyPage((cursor) =>
        body(api.GET("/api/v1/sites/{name}/registration-tokens", { params: { path: { name: site }, query: { cursor } } })),
      ),
  });

export function useCreateSite() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (given: { name: string; title?: string; description?: string; edge_url?: string }) =>
      body(api.POST("/api/v1/sites", { body: given })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.sites.all }),
  });
}

export function useInviteRunner(site: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (given: { name?: string; days?: number }) =>
      body(api.POST("/api/v1/sites/{name}/registration-tokens", { params: { path: { name: site } }, body: given })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.sites.tokens(site) }),
  });
}

export function useRevokeInvitation(site: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      body(api.DELETE("/api/v1/sites/{name}/registration-tokens/{id}", { params: { path: { name: site, id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.sites.tokens(site) }),
  });
}

export function useDrainRunner() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, draining }: { id: string; draining: boolean }) =>
      body(api.PATCH("/api/v1/runners/{id}", { params: { path: { id } }, body: { draining } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.sites.all }),
  });
}

export function useRemoveRunner() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => body(api.DELETE("/api/v1/runners/{id}", { params: { path: { id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.sites.all }),
  });
}
