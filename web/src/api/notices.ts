/** What a person is told: the inbox, the ways out of it, webhooks; and what everybody is told: banners. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "./client";
import { keys } from "./keys";
import type { Banner, NewBanner, NoticeSetting } from "./types";

export const unreadQuery = queryOptions({
  queryKey: keys.notices.unread,
  queryFn: () => body(api.GET("/api/v1/notices/unread")),
});

export const inboxQuery = queryOptions({
  queryKey: keys.notices.inbox,
  queryFn: () => body(api.GET("/api/v1/notices", { params: { query: { limit: 50 } } })),
});

export const noticeSettingsQuery = queryOptions({
  queryKey: keys.notices.settings,
  queryFn: () => body(api.GET("/api/v1/notice-settings")),
});

export const webhooksQuery = queryOptions({
  queryKey: keys.notices.webhooks,
  queryFn: () => body(api.GET("/api/v1/webhooks")),
});

export const bannersQuery = queryOptions({
  queryKey: keys.banners.shown,
  queryFn: () => body(api.GET("/api/v1/banners")),
  refetchInterval: 60_000,
});

export const allBannersQuery = queryOptions({
  queryKey: keys.banners.all,
  queryFn: () => body(api.GET("/api/v1/banners/all")),
});

/** Marks these as read, or all. */
export function useMarkRead() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (ids: string[] | null) => body(api.POST("/api/v1/notices/read", { body: { ids } })),
    onSuccess: () =>
      Promise.all([client.invalidateQueries({ queryKey: keys.notices.unread }), client.invalidateQueries({ queryKey: keys.notices.inbox })]),
  });
}

export function useNoticeSetting() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (setting: NoticeSetting) => body(api.PUT("/api/v1/notice-settings", { body: { settings: [setting] } })),
    onSuccess: (answer) => client.setQueryData(keys.notices.settings, answer),
  });
}

function useRefreshWebhooks() {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: keys.notices.webhooks });
}

export function useAddWebhook() {
  return useMutation({ mutationFn: (url: string) => body(api.POST("/api/v1/webhooks", { body: { url } })), onSuccess: useRefreshWebhooks() });
}

export function useSwitchWebhook() {
  return useMutation({
    mutationFn: ({ id, active }: { id: string; active: boolean }) =>
      body(api.PATCH("/api/v1/webhooks/{id}", { params: { path: { id } }, body: { active } })),
    onSuccess: useRefreshWebhooks(),
  });
}

export function useTryWebhook() {
  return useMutation({
    mutationFn: (id: string) => body(api.POST("/api/v1/webhooks/{id}/test", { params: { path: { id } } })),
    onSuccess: useRefreshWebhooks(),
  });
}

export function useRemoveWebhook() {
  return useMutation({
    mutationFn: (id: string) => body(api.DELETE("/api/v1/webhooks/{id}", { params: { path: { id } } })),
    onSuccess: useRefreshWebhooks(),
  });
}

function useRefreshBanners() {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: ["banners"] });
}

export function useAddBanner() {
  return useMutation({
    mutationFn: (given: NewBanner): Promise<Banner> => body(api.POST("/api/v1/banners", { body: given })),
    onSuccess: useRefreshBanners(),
  });
}

export function useRemoveBanner() {
  return useMutation({
    mutationFn: (id: string) => body(api.DELETE("/api/v1/banners/{id}", { params: { path: { id } } })),
    onSuccess: useRefreshBanners(),
  });
}
