/** Names of everything cached, from the general to the particular: invalidating a prefix refetches all below it. */
export const keys = {
  me: ["me"] as const,
  status: ["status"] as const,
  datasets: {
    all: ["datasets"] as const,
    list: (filter: { q: string; site?: string }) => ["datasets", "list", filter] as const,
    one: (id: string) => ["datasets", "one", id] as const,
    resolve: (identifier: string) => ["datasets", "resolve", identifier] as const,
  },
  tools: {
    all: ["tools"] as const,
    list: ["tools", "list"] as const,
    one: (name: string) => ["tools", "one", name] as const,
    version: (name: string, version: string) => ["tools", "one", name, version] as const,
  },
  runs: {
    all: ["runs"] as const,
    list: (filter: object) => ["runs", "list", filter] as const,
    one: (id: string) => ["runs", "one", id] as const,
    part: (id: string, part: string) => ["runs", "one", id, part] as const,
    preview: (request: object) => ["runs", "preview", request] as const,
  },
  sites: { all: ["sites"] as const, tokens: (name: string) => ["sites", "tokens", name] as const },
  classes: { of: (site: string) => ["classes", site] as const, accounts: ["account-classes"] as const },
  homes: {
    all: ["homes"] as const,
    list: (everyone: boolean) => ["homes", "list", everyone] as const,
    snapshots: (id: string) => ["homes", "snapshots", id] as const,
  },
  accounts: ["accounts"] as const,
  groups: ["groups"] as const,
  tags: ["tags"] as const,
  tokens: ["tokens"] as const,
  notices: {
    unread: ["notices", "unread"] as const,
    inbox: ["notices", "inbox"] as const,
    settings: ["notice-settings"] as const,
    webhooks: ["webhooks"] as const,
  },
  banners: { shown: ["banners", "shown"] as const, all: ["banners", "all"] as const },
  usage: { of: (wish: object) => ["usage", wish] as const, budgets: ["budgets"] as const },
  class: { groups: ["class-groups"] as const, of: (id: string, tool: string | null) => ["class", id, tool] as const },
};
