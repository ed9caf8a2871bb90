/** Classes: the groups that one looks after, and how far their members are. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "./client";
import { keys } from "./keys";
import type { ClassActRequest } from "./types";

export const classGroupsQuery = queryOptions({
  queryKey: keys.class.groups,
  queryFn: () => body(api.GET("/api/v1/classes")),
  staleTime: 60_000,
});

export const classQuery = (id: string, tool: string | null) =>
  queryOptions({
    queryKey: keys.class.of(id, tool),
    queryFn: () => body(api.GET("/api/v1/groups/{id}/class", { params: { path: { id }, query: tool ? { tool } : {} } })),
    placeholderData: (before) => before,
    // Who is stuck is known by the time that goes by, not by anything that happens.
    refetchInterval: 30_000,
  });

export function useActOnClass(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (given: ClassActRequest) => body(api.POST("/api/v1/groups/{id}/class", { params: { path: { id } }, body: given })),
    onSettled: () => client.invalidateQueries({ queryKey: ["class", id] }),
  });
}
