/** Who is signed in: sign-in, sign-out, the own profile, password and tokens. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body, everyPage } from "./client";
import { keys } from "./keys";
import type { Me, Scope } from "./types";

export const meQuery = queryOptions({
  queryKey: keys.me,
  queryFn: () => body(api.GET("/api/v1/me")),
  staleTime: 30_000,
  retry: false,
});

export const tokensQuery = queryOptions({
  queryKey: keys.tokens,
  queryFn: () => everyPage((cursor) => body(api.GET("/api/v1/tokens", { params: { query: { cursor } } }))),
});

export function useSignIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (given: { name: string; password: string }) => body(api.POST("/api/v1/sign-in", { body: given })),
    onSuccess: (me: Me) => client.setQueryData(keys.me, me),
  });
}

export function useSignInByLink() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (token: string) => body(api.POST("/api/v1/sign-in/link", { body: { token } })),
    onSuccess: (me: Me) => client.setQueryData(keys.me, me),
  });
}

export function useSignOut() {
  return useMutation({ mutationFn: () => body(api.POST("/api/v1/sign-out")) });
}

export function useEditProfile() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (given: { display_name?: string; email?: string | null }) => body(api.PATCH("/api/v1/me", { body: given })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.me }),
  });
}

export function useChangePassword() {
  return useMutation({
    mutationFn: (given: { current: string; new: string }) => body(api.PUT("/api/v1/me/password", { body: given })),
  });
}

export function useIssueToken() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (given: { name: string; scopes: Scope[]; days?: number }) => body(api.POST("/api/v1/tokens", { body: given })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.tokens }),
  });
}

export function useRevokeToken() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => body(api.DELETE("/api/v1/tokens/{id}", { params: { path: { id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.tokens }),
  });
}
