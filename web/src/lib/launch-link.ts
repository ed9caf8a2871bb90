/** Launch links: `/launch?id=…&tool=…&class=…&label=…&open=…&new=1&<setting>=…`, read and written in one place. */

/** Everything a link may say. Settings stay text until the tool's schema is known. */
export interface LaunchWish {
  identifiers: string[];
  tool?: string;
  open?: string;
  /** start another run even if a matching one exists */
  fresh: boolean;
  site?: string;
  executor?: string;
  cpus?: number;
  memory_gb?: number;
  /** name of a resource class */
  resource_class?: string;
  /** labels that the runner must carry */
  labels?: string[];
  title?: string;
  settings: Record<string, string>;
}

const OWN = new Set(["id", "tool", "open", "new", "site", "executor", "cpus", "memory_gb", "class", "label", "title"]);

export function readLaunchWish(search: URLSearchParams): LaunchWish {
  const text = (name: string) => search.get(name)?.trim() || undefined;
  return {
    identifiers: search.getAll("id").map((id) => id.trim()).filter(Boolean),
    tool: text("tool"),
    open: text("open"),
    fresh: search.get("new") === "1" || search.get("new") === "true",
    site: text("site"),
    executor: text("executor"),
    cpus: positive(text("cpus")),
    memory_gb: positive(text("memory_gb")),
    resource_class: text("class"),
    ...(search.has("label") && { labels: search.getAll("label").map((label) => label.trim()).filter(Boolean) }),
    title: text("title"),
    settings: Object.fromEntries([...search].filter(([name]) => !OWN.has(name))),
  };
}

export function launchPath(wish: Partial<LaunchWish>): string {
  const search = new URLSearchParams();
  for (const id of wish.identifiers ?? []) search.append("id", id);
  for (const name of ["tool", "open", "site", "executor", "cpus", "memory_gb", "title"] as const) {
    const value = wish[name];
    if (value !== undefined && value !== "") search.set(name, String(value));
  }
  if (wish.resource_class) search.set("class", wish.resource_class);
  for (const label of wish.labels ?? []) search.append("label", label);
  if (wish.fresh) search.set("new", "1");
  for (const [name, value] of Object.entries(wish.settings ?? {})) search.set(name, value);
  return `/launch?${search.toString().replaceAll("%3A", ":").replaceAll("%2F", "/").replaceAll("%40", "@")}`;
}

/** Where to go after signing in: only paths of this site, never `//elsewhere.example`. */
export function safeNext(next: string | null, fallback = "/datasets"): string {
  if (!next || !next.startsWith("/") || /^\/[/\\]/.test(next)) return fallback;
  try {
    const url = new URL(next, "http://here.invalid");
    // `/.//elsewhere.example` becomes `//elsewhere.example` only here.
    const stays = url.host === "here.invalid" && !url.pathname.startsWith("//");
    return stays ? url.pathname + url.search + url.hash : fallback;
  } catch {
    return fallback;
  }
}

/** Whether an address is answered by the hub itself rather than by one of the app's pages. */
export function isOutsideApp(path: string): boolean {
  return /^\/(open|api|live)\//.test(path);
}

function positive(text: string | undefined): number | undefined {
  const value = Number(text);
  return text !== undefined && Number.isFinite(value) && value > 0 ? value : undefined;
}
