/** Images that a site fetches before the first launch; what is under way is asked for again until it ends. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "./client";
import { keys } from "./keys";

const BUSY_MS = 1500;
/** Of each image at each runner only the last try is listed, so this is plenty. */
const SHOWN = 100;

export const imagesQuery = (site: string) =>
  queryOptions({
    queryKey: keys.images.of(site),
    queryFn: () => body(api.GET("/api/v1/sites/{name}/images", { params: { path: { name: site }, query: { limit: SHOWN } } })).then((page) => page.items),
    refetchInterval: ({ state }) => (state.data?.some(({ state: at }) => at === "queued" || at === "running") ? BUSY_MS : false),
  });

export function usePullImage(site: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (wanted: { image: string } | { tool: string }) =>
      body(api.POST("/api/v1/sites/{name}/images", { params: { path: { name: site } }, body: wanted })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.images.of(site) }),
  });
}
