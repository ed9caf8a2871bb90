/** Accounts, groups and access tags, as administrators see them. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body, everyPage } from "./client";
import { keys } from "./keys";
import type { AccountEdit, NewAccount } from "./types";

export const accountsQuery = queryOptions({
  queryKey: keys.accounts,
  queryFn: () => everyPage((cursor) => body(api.GET("/api/v1/accounts", { params: { query: { cursor } } }))),
});

export const groupsQuery = queryOptions({
  queryKey: keys.groups,
  queryFn: () => everyPage((cursor) => body(api.GET("/api/v1/groups", { params: { query: { cursor } } }))),
});

export const tagsQuery = queryOptions({
  queryKey: keys.tags,
  queryFn: () => everyPage((cursor) => body(api.GET("/api/v1/tags", { params: { query: { cursor } } }))),
});

export function useCreateAccount() {
  const refresh = useRefreshPeople();
  return useMutation({
    mutationFn: (given: NewAccount) => body(api.POST("/api/v1/accounts", { body: given })),
    onSuccess: refresh,
  });
}

export function useEditAccount() {
  const refresh = useRefreshPeople();
  return useMutation({
    mutationFn: ({ id, edit }: { id: string; edit: AccountEdit }) =>
      body(api.PATCH("/api/v1/accounts/{id}", { params: { path: { id } }, body: edit })),
    onSuccess: refresh,
  });
}

export function useSignInLink() {
  return useMutation({
    mutationFn: (id: string) => body(api.POST("/api/v1/accounts/{id}/sign-in-link", { params: { path: { id } } })),
  });
}

export function useCreateGroup() {
  const refresh = useRefreshPeople();
  return useMutation({
    mutationFn: (name: string) => body(api.POST("/api/v1/groups", { body: { name } })),
    onSuccess: refresh,
  });
}

export function useDeleteGroup() {
  const refresh = useRefreshPeople();
  return useMutation({
    mutationFn: (id: string) => body(api.DELETE("/api/v1/groups/{id}", { params: { path: { id } } })),
    onSuccess: refresh,
  });
}

export function useGroupMember() {
  const refresh = useRefreshPeople();
  return useMutation({
    mutationFn: ({ group_id, account_id, member, manager }: { group_id: string; account_id: string; member: boolean; manager?: boolean }) => {
      const params = { path: { id: group_id, account_id } };
      return member
        ? body<unknown>(api.PUT("/api/v1/groups/{id}/members/{account_id}", { params, body: { manager } }))
        : body<unknown>(api.DELETE("/api/v1/groups/{id}/members/{account_id}", { params }));
    },
    onSuccess: refresh,
  });
}

export function useCreateTag() {
  const refresh = useRefreshPeople();
  return useMutation({
    mutationFn: (given: { name: string; description?: string }) => body(api.POST("/api/v1/tags", { body: given })),
    onSuccess: refresh,
  });
}

export function useDeleteTag() {
  const refresh = useRefreshPeople();
  return useMutation({
    mutationFn: (id: string) => body(api.DELETE("/api/v1/tags/{id}", { params: { path: { id } } })),
    onSuccess: refresh,
  });
}

export type TagTarget =
  | { kind: "account" | "group"; id: string }
  | { kind: "dataset" | "tool" | "site"; id: string };

/** Grants a tag to a person or group, or puts it on a thing; `on: false` takes it back. */
export function useTagTarget(tag_id: string) {
  const refresh = useRefreshPeople();
  return useMutation({
    mutationFn: ({ target, on }: { target: TagTarget; on: boolean }) => (on ? put : remove)(tag_id, target),
    onSuccess: refresh,
  });
}

function put(tag_id: string, target: TagTarget): Promise<unknown> {
  if (target.kind === "account") {
    return api.PUT("/api/v1/tags/{id}/accounts/{account_id}", { params: { path: { id: tag_id, account_id: target.id } } });
  }
  if (target.kind === "group") {
    return api.PUT("/api/v1/tags/{id}/groups/{group_id}", { params: { path: { id: tag_id, group_id: target.id } } });
  }
  return api.PUT("/api/v1/tags/{id}/things/{kind}/{thing}", { params: { path: { id: tag_id, kind: target.kind, thing: target.id } } });
}

function remove(tag_id: string, target: TagTarget): Promise<unknown> {
  if (target.kind === "account") {
    return api.DELETE("/api/v1/tags/{id}/accounts/{account_id}", { params: { path: { id: tag_id, account_id: target.id } } });
  }
  if (target.kind === "group") {
    return api.DELETE("/api/v1/tags/{id}/groups/{group_id}", { params: { path: { id: tag_id, group_id: target.id } } });
  }
  return api.DELETE("/api/v1/tags/{id}/things/{kind}/{thing}", { params: { path: { id: tag_id, kind: target.kind, thing: target.id } } });
}

function useRefreshPeople() {
  const client = useQueryClient();
  return () =>
    Promise.all(
      [keys.accounts, keys.groups, keys.tags, keys.datasets.all, keys.tools.all, keys.sites.all].map((queryKey) =>
        client.invalidateQueries({ queryKey }),
      ),
    );
}
