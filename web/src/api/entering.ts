/** Coming in and leaving: the ways that are switched on, registration, letters, guests, the end of an account. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "./client";
import { keys } from "./keys";
import type { Me, NewAccount } from "./types";

export const waysQuery = queryOptions({
  queryKey: ["sign-in-ways"],
  queryFn: () => body(api.GET("/api/v1/sign-in/ways")),
  staleTime: 300_000,
});

export const returnLinkQuery = queryOptions({
  queryKey: ["return-link"],
  queryFn: () => body(api.GET("/api/v1/me/return-link")),
  staleTime: 300_000,
});

export function useSignInAsGuest() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (email: string | null) => body(api.POST("/api/v1/sign-in/guest", { body: { email } })),
    onSuccess: (me: Me) => client.setQueryData(keys.me, me),
  });
}

export function useAskForLink() {
  return useMutation({ mutationFn: (email: string) => body<unknown>(api.POST("/api/v1/sign-in/ask", { body: { email } })) });
}

export function useRegister() {
  return useMutation({ mutationFn: (given: NewAccount) => body(api.POST("/api/v1/accounts", { body: given })) });
}

export function useAskForReset() {
  return useMutation({ mutationFn: (email: string) => body<unknown>(api.POST("/api/v1/password-reset", { body: { email } })) });
}

export function useResetPassword() {
  return useMutation({
    mutationFn: (given: { token: string; password: string }) => body<unknown>(api.POST("/api/v1/password-reset/finish", { body: given })),
  });
}

export function useConfirmAddress() {
  return useMutation({ mutationFn: (token: string) => body(api.POST("/api/v1/addresses/confirm", { body: { token } })) });
}

export function useAskToConfirmMine() {
  return useMutation({ mutationFn: () => body<unknown>(api.POST("/api/v1/me/confirm-address")) });
}

export function useLeave() {
  return useMutation({
    mutationFn: (given: { confirm: string; password: string }) => body<unknown>(api.POST("/api/v1/me/leave", { body: given })),
  });
}

export function useEndLook() {
  return useMutation({ mutationFn: () => body<unknown>(api.DELETE("/api/v1/look")) });
}
