/** The one client of the hub's API. Pages never fetch: they use the queries beside this module. */
import createClient, { type Middleware } from "openapi-fetch";
import { problemOf } from "./problem";
import type { paths } from "./schema.gen";

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

const csrf: Middleware = {
  onRequest({ request }) {
    if (!SAFE_METHODS.has(request.method)) request.headers.set("X-CSRF-Token", csrfToken());
    return request;
  },
};

const problems: Middleware = {
  async onResponse({ response }) {
    if (!response.ok) throw await problemOf(response);
  },
};

export const api = createClient<paths>({
  baseUrl: globalThis.location.origin,
  credentials: "same-origin",
  // Looked up at each call, so that tests can put the double of the hub in its place.
  fetch: (request) => globalThis.fetch(request),
});
api.use(csrf, problems);

/** The body of an answer. Refusals are thrown by then, so that nothing but success arrives here. */
export async function body<T>(call: Promise<{ data?: T }>): Promise<T> {
  return (await call).data as T;
}

export interface Page<T> {
  items: T[];
  next: string | null;
}

const MOST_PAGES = 20;

/** Every item of a list that is short by nature: people, tools, sites. */
export async function everyPage<T>(fetchPage: (cursor: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const answer = await fetchPage(cursor);
    items.push(...answer.items);
    if (!answer.next) break;
    cursor = answer.next;
  }
  return items;
}

/** A request that the generated types cannot express: YAML bodies, raw text, answers read by their headers. */
export async function raw(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (!SAFE_METHODS.has(init.method ?? "GET")) headers.set("X-CSRF-Token", csrfToken());
  const response = await globalThis.fetch(new Request(new URL(path, globalThis.location.origin), { ...init, headers }));
  if (!response.ok) throw await problemOf(response);
  return response;
}

function csrfToken(): string {
  return cookie("__Host-alongside_csrf") || cookie("alongside_csrf");
}

/** The hub's cookies are `__Host-` ones where it is reached by https: the plain name could be a neighbour's. */
function cookie(name: string): string {
  const found = new RegExp(`(?:^|;\\s*)${name}=([^;]*)`).exec(document.cookie);
  return found?.[1] ? decodeURIComponent(found[1]) : "";
}
