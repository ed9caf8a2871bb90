/** What was used, and budgets over it. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "./client";
import { keys } from "./keys";
import type { NewBudget, UsageBy } from "./types";

export interface UsageWish {
  by: UsageBy;
  since: string;
  until: string;
  group?: string;
}

export const usageQuery = (wish: UsageWish) =>
  queryOptions({
    queryKey: keys.usage.of(wish),
    queryFn: () => body(api.GET("/api/v1/usage", { params: { query: wish } })),
    placeholderData: (before) => before,
  });

export function usageCsvAddress(wish: UsageWish): string {
  const query = new URLSearchParams({ by: wish.by, since: wish.since, until: wish.until, ...(wish.group ? { group: wish.group } : {}) });
  return `/api/v1/usage.csv?${query}`;
}

export const budgetsQuery = queryOptions({
  queryKey: keys.usage.budgets,
  queryFn: () => body(api.GET("/api/v1/budgets")),
});

function useRefreshBudgets() {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: keys.usage.budgets });
}

export function useAddBudget() {
  return useMutation({ mutationFn: (given: NewBudget) => body(api.POST("/api/v1/budgets", { body: given })), onSuccess: useRefreshBudgets() });
}

export function useRemoveBudget() {
  return useMutation({
    mutationFn: (id: string) => body(api.DELETE("/api/v1/budgets/{id}", { params: { path: { id } } })),
    onSuccess: useRefreshBudgets(),
  });
}
