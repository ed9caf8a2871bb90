/** Datasets: search, one record, resolving an identifier, registering and editing. */
import { infiniteQueryOptions, keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "./client";
import { keys } from "./keys";
import type { Dataset, DatasetEdit, NewDataset, NewLocation } from "./types";

const PAGE_SIZE = 50;

export const datasetsQuery = (filter: { q: string; site?: string }) =>
  infiniteQueryOptions({
    queryKey: keys.datasets.list(filter),
    queryFn: ({ pageParam }) =>
      body(
        api.GET("/api/v1/datasets", {
          params: { query: { q: filter.q || undefined, site: filter.site, limit: PAGE_SIZE, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  });

export const datasetQuery = (id: string) =>
  queryOptions({
    queryKey: keys.datasets.one(id),
    queryFn: () => body(api.GET("/api/v1/datasets/{dataset_id}", { params: { path: { dataset_id: id } } })),
  });

export const resolveQuery = (identifier: string) =>
  queryOptions({
    queryKey: keys.datasets.resolve(identifier),
    queryFn: () => body(api.GET("/api/v1/resolve", { params: { query: { id: identifier } } })),
    retry: false,
  });

export function useRegisterDataset() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (given: NewDataset) =>
      body(api.POST("/api/v1/datasets", { body: given })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.datasets.all }),
  });
}

export function useEditDataset(dataset: Dataset) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (edit: DatasetEdit) =>
      body(
        api.PATCH("/api/v1/datasets/{dataset_id}", {
          params: { path: { dataset_id: dataset.id }, header: { "If-Match": `"${dataset.revision}"` } },
          body: edit,
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.datasets.all }),
  });
}

export function useDeleteDataset() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (dataset: Dataset) =>
      body(api.DELETE("/api/v1/datasets/{dataset_id}", { params: { path: { dataset_id: dataset.id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.datasets.all }),
  });
}

export function useAddLocation(datasetId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (location: NewLocation) =>
      body(
        api.POST("/api/v1/datasets/{dataset_id}/locations", {
          params: { path: { dataset_id: datasetId } },
          body: location,
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.datasets.all }),
  });
}

export function useRemoveLocation(datasetId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (location_id: string) =>
      body(
        api.DELETE("/api/v1/datasets/{dataset_id}/locations/{location_id}", {
          params: { path: { dataset_id: datasetId, location_id } },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.datasets.all }),
  });
}

export function useAddIdentifier(datasetId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (identifier: string) =>
      body(
        api.PUT("/api/v1/datasets/{dataset_id}/identifiers/{identifier}", {
          params: { path: { dataset_id: datasetId, identifier } },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.datasets.all }),
  });
}

export function useRemoveIdentifier(datasetId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (identifier: string) =>
      body(
        api.DELETE("/api/v1/datasets/{dataset_id}/identifiers/{identifier}", {
          params: { path: { dataset_id: datasetId, identifier } },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.datasets.all }),
  });
}
