/** Who may come in, as administrators decide it: the queue, invitations, looks as somebody, the audit record. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body, everyPage } from "./client";
import { keys } from "./keys";
import type { components } from "./schema.gen";

export type Invitation = components["schemas"]["Invitation"];
type WantedInvitation = components["schemas"]["WantedInvitation"];

const INVITATIONS = ["invitations"] as const;
const AUDIT = ["audit"] as const;

export const waitingQuery = queryOptions({
  queryKey: [...keys.accounts, "waiting"],
  queryFn: () => everyPage((cursor) => body(api.GET("/api/v1/accounts", { params: { query: { cursor, standing: "waiting" } } }))),
  refetchInterval: 30_000,
});

export const invitationsQuery = queryOptions({
  queryKey: INVITATIONS,
  queryFn: () => everyPage((cursor) => body(api.GET("/api/v1/invitations", { params: { query: { cursor } } }))),
});

export const auditQuery = queryOptions({
  queryKey: AUDIT,
  queryFn: () => body(api.GET("/api/v1/audit", { params: { query: { limit: 50 } } })),
});

export function useAdmission() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, admit }: { id: string; admit: boolean }) => {
      const params = { path: { id } };
      return admit ? body(api.POST("/api/v1/accounts/{id}/approve", { params })) : body(api.POST("/api/v1/accounts/{id}/refuse", { params }));
    },
    onSuccess: () => Promise.all([keys.accounts, AUDIT].map((queryKey) => client.invalidateQueries({ queryKey }))),
  });
}

export function useInvite() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (given: WantedInvitation) => body(api.POST("/api/v1/invitations", { body: given })),
    onSuccess: () => client.invalidateQueries({ queryKey: INVITATIONS }),
  });
}

export function useTakeInvitationBack() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => body<unknown>(api.DELETE("/api/v1/invitations/{id}", { params: { path: { id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: INVITATIONS }),
  });
}

export function useLookAs() {
  return useMutation({
    mutationFn: (id: string) => body(api.POST("/api/v1/accounts/{id}/look", { params: { path: { id } } })),
  });
}
