/**
 * A double of the hub, for tests and for looking at pages without one: keeps its values in memory, answers as the
 * API does, problem documents and CSRF included. Runs advance only when a test says so, or by `liveliness`.
 */
import type { Account, Banner, Dataset, Group, ImagePull, Me, Notice, Preview, Run, RunRequest, Share, SharedRun, Site, Tag, Token, Tool } from "@/api/types";
import { fakeAction, fakeAttempt, fakeEvent, fakeArtifact, fakeId, fakePull, fakeRun, fakeToolVersion, fakeSpec } from "./fakes";
import { seed } from "./hub-seed";

export interface HubState {
  account: Account;
  password: string;
  signedIn: boolean;
  linkTokens: Set<string>;
  datasets: Dataset[];
  tools: Tool[];
  runs: Run[];
  sites: Site[];
  images: ImagePull[];
  accounts: Account[];
  /** who may register: open, approval, closed, … */
  registration: string;
  groups: Group[];
  tags: Tag[];
  tokens: Token[];
  notices: Notice[];
  banners: Banner[];
  shares: Share[];
  /** runs of others that are shared with this person */
  shared: SharedRun[];
  logs: Map<string, string>;
  /** every request that would change something, in order */
  written: { method: string; path: string; body: unknown }[];
}

type Reply = Response | Promise<Response>;
type Handler = (call: Call) => Reply;

interface Call {
  request: Request;
  url: URL;
  path: Record<string, string>;
  json: <T>() => Promise<T>;
}

const CSRF = "csrf-of-the-double";

export class HubDouble {
  readonly state: HubState;
  private readonly routes: { method: string; pattern: RegExp; names: string[]; handler: Handler }[] = [];
  private readonly listeners = new Set<(data: string) => void>();

  constructor(state: HubState = seed()) {
    this.state = state;
    this.routeAll();
  }

  /** Takes the place of `fetch`. */
  readonly fetch = (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => this.handle(new Request(input, init));

  async handle(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const safe = request.method === "GET";
    const open = url.pathname.startsWith("/api/v1/sign-in") || url.pathname === "/badge.svg";
    if (!safe) this.state.written.push({ method: request.method, path: url.pathname, body: await copyOfBody(request) });
    if (!open && !this.state.signedIn) return problem(401, "unauthenticated", "Sign in first.");
    if (!safe && !open && request.headers.get("x-csrf-token") !== CSRF) {
      return problem(403, "csrf_failed", "The request did not carry this session's CSRF token.");
    }
    for (const { method, pattern, names, handler } of this.routes) {
      const found = method === request.method && pattern.exec(url.pathname);
      if (!found) continue;
      const path = Object.fromEntries(names.map((name, index) => [name, decodeURIComponent(found[index + 1] ?? "")]));
      try {
        return await handler({ request, url, path, json: async <T>() => (await request.json()) as T });
      } catch (error) {
        if (error instanceof Response) return error;
        throw error;
      }
    }
    return problem(404, "not_found", "There is nothing here.");
  }

  /** Changes a run as the dispatcher would, and tells whoever listens. */
  advance(id: string, changes: Partial<Run>) {
    this.state.runs = this.state.runs.map((run) => (run.id === id ? { ...run, ...changes } : run));
    this.tell({ kind: "run", key: id });
  }

  tell(hint: { kind: string; key: string }) {
    for (const listener of this.listeners) listener(JSON.stringify(hint));
  }

  private on(method: string, template: string, handler: Handler) {
    const names: string[] = [];
    const source = template.replace(/\{(\w+)\}/g, (_, name: string) => {
      names.push(name);
      return name === "path" ? "(.+)" : "([^/]+)";
    });
    this.routes.push({ method, pattern: new RegExp(`^${source}$`), names, handler });
  }

  private routeAll() {
    this.routeSession();
    this.routeCatalogue();
    this.routeRuns();
    this.routeShares();
    this.routeAdmin();
    this.routeLive();
    this.on("GET", "/badge.svg", ({ url }) => new Response(badge(url.searchParams.get("text") ?? "launch"), { headers: { "content-type": "image/svg+xml" } }));
    this.on("GET", "/open/{id}", ({ path }) => new Response(`<title>tool</title>The tool of run ${path.id}`, { headers: { "content-type": "text/html" } }));
  }

  private routeSession() {
    const { state } = this;
    const signIn = () => {
      state.signedIn = true;
      if (typeof document !== "undefined") document.cookie = `alongside_csrf=${CSRF}`;
      return json(this.me(), 200, { "set-cookie": `alongside_csrf=${CSRF}; Path=/` });
    };
    this.on("GET", "/api/v1/sign-in/ways", () =>
      json({ sign_in: ["password"], registration: state.registration, email_domains: [], mail: true, oidc_title: "", guest_hours: 72 }),
    );
    this.on("POST", "/api/v1/sign-in", async ({ json: read }) => {
      const given = await read<{ name: string; password: string }>();
      const right = given.name === state.account.name && given.password === state.password;
      return right ? signIn() : problem(401, "unauthenticated", "Name or password is wrong.");
    });
    this.on("POST", "/api/v1/sign-in/link", async ({ json: read }) => {
      const { token } = await read<{ token: string }>();
      return state.linkTokens.delete(token) ? signIn() : problem(401, "unauthenticated", "The link was used before, or has expired.");
    });
    this.on("POST", "/api/v1/sign-out", () => {
      state.signedIn = false;
      return new Response(null, { status: 204 });
    });
    this.on("GET", "/api/v1/me", () => json(this.me()));
    this.on("PATCH", "/api/v1/me", async ({ json: read }) => {
      Object.assign(state.account, await read<object>());
      return json(this.me());
    });
    this.on("PUT", "/api/v1/me/password", async ({ json: read }) => {
      const given = await read<{ current: string; new: string }>();
      if (given.new.length < 8) return invalid([{ field: "new", reason: "must have at least 8 characters" }]);
      state.password = given.new;
      return new Response(null, { status: 204 });
    });
    this.on("GET", "/api/v1/tokens", () => page(state.tokens));
    this.on("POST", "/api/v1/tokens", async ({ json: read }) => {
      const given = await read<{ name: string; scopes: Token["scopes"]; days: number }>();
      const now = Date.now();
      const token: Token = { id: fakeId(), name: given.name, scopes: given.scopes, created_at: iso(now), expires_at: iso(now + given.days * 864e5), last_used_at: null };
      state.tokens.push(token);
      return json({ token, secret: "alg_2f8d1c9e7b6a5d4c3b2a1f0e9d8c7b6a" }, 201);
    });
    this.on("DELETE", "/api/v1/tokens/{id}", ({ path }) => {
      state.tokens = state.tokens.filter((token) => token.id !== path.id);
      return new Response(null, { status: 204 });
    });
    this.on("GET", "/api/v1/notices/unread", () => json({ unread: state.notices.filter((notice) => !notice.read_at).length }));
    this.on("GET", "/api/v1/notices", () => page(state.notices));
    this.on("POST", "/api/v1/notices/read", () => {
      state.notices = state.notices.map((notice) => ({ ...notice, read_at: notice.created_at }));
      return json({ unread: 0 });
    });
    this.on("GET", "/api/v1/banners", () => json(state.banners));
    this.on("GET", "/api/v1/classes", () => json([]));
    this.on("GET", "/api/v1/budgets", () => json([]));
    this.on("GET", "/api/v1/webhooks", () => json([]));
    this.on("GET", "/api/v1/notice-settings", () => json({ address: null, mail: false, settings: [] }));
    this.on("GET", "/api/v1/status", () =>
      json({ version: "0.1.0", hub_url: "http://127.0.0.1:8470", sites: state.sites.length, runners: { online: 1, offline: 1 }, queue: { queued: 1, running: 3 }, dispatcher: { alive: true, epoch: 4 } }),
    );
  }

  private routeCatalogue() {
    const { state } = this;
    this.on("GET", "/api/v1/datasets", ({ url }) => {
      const q = bare(url.searchParams.get("q") ?? "");
      return page(state.datasets.filter((dataset) => bare(`${dataset.title} ${dataset.description} ${dataset.identifiers.map((known) => known.value).join(" ")}`).includes(q)));
    });
    this.on("POST", "/api/v1/datasets", async ({ json: read }) => {
      const given = await read<{ title?: string; identifiers?: string[]; locations: { site?: string; path?: string; url?: string }[] }>();
      const path = given.locations[0]?.path;
      if (path !== undefined && !path.startsWith("/")) return invalid([{ field: "locations[0].path", reason: "must be an absolute path" }]);
      const template = state.datasets[0] as Dataset;
      const value = given.identifiers?.[0] ?? `local:${fakeId()}`;
      const dataset: Dataset = { ...template, id: fakeId(), title: given.title ?? "untitled", identifiers: [{ scheme: value.split(":")[0] ?? "", value, display: value }], locations: [{ ...(template.locations[0] as Dataset["locations"][number]), id: fakeId(), path: path ?? null, url: given.locations[0]?.url ?? null, site: given.locations[0]?.site ?? null }], size_bytes: null };
      state.datasets.unshift(dataset);
      return json(dataset, 201);
    });
    this.on("GET", "/api/v1/datasets/{id}", ({ path }) => json(found(state.datasets, path.id, "dataset_unknown")));
    this.on("PATCH", "/api/v1/datasets/{id}", async ({ path, json: read, request }) => {
      const dataset = found(state.datasets, path.id, "dataset_unknown");
      if (request.headers.get("if-match") !== `"${dataset.revision}"`) return problem(412, "edit_conflict", "Someone changed this since you read it.");
      Object.assign(dataset, await read<object>(), { revision: dataset.revision + 1 });
      return json(dataset);
    });
    this.on("GET", "/api/v1/resolve", ({ url }) => {
      const id = bare(url.searchParams.get("id") ?? "");
      const dataset = state.datasets.find((known) => known.identifiers.some((identifier) => bare(identifier.value) === id));
      if (!dataset) return problem(404, "identifier_unknown", "No dataset is registered under this identifier.");
      return json({ dataset, sites: state.sites.map((site) => ({ site: site.name, path_known: dataset.locations.some((location) => location.site === site.name), online: true, runners: site.runners.length })) });
    });
    this.on("GET", "/api/v1/tools", () => page(state.tools));
    this.on("GET", "/api/v1/tools/{id}", ({ path }) => json(found(state.tools.map((tool) => ({ ...tool, id: tool.name })), path.id, "tool_unknown")));
    this.on("GET", "/api/v1/tools/{name}/versions/{version}", ({ path }) => {
      const tool = found(state.tools.map((known) => ({ ...known, id: known.name })), path.name, "tool_unknown");
      return json({ ...tool.latest, spec: { ...tool.latest.spec, version: path.version } });
    });
    this.on("POST", "/api/v1/tools/validate", async ({ request }) => {
      const faults = specFaults(await request.clone().text());
      return json({ ok: faults.length === 0, faults });
    });
    this.on("POST", "/api/v1/tools", async ({ request }) => {
      const source = await request.clone().text();
      const faults = specFaults(source);
      if (faults.length > 0) return invalid(faults);
      return json(fakeToolVersion(fakeSpec({ name: /name: *(\S+)/.exec(source)?.[1] ?? "tool" })), 201);
    });
    this.on("GET", "/api/v1/sites", () => page(state.sites));
    this.on("GET", "/api/v1/sites/{name}/images", ({ path }) => page(state.images.filter((pull) => pull.site === path.name)));
    this.on("POST", "/api/v1/sites/{name}/images", async ({ path, json: read }) => {
      const { image } = await read<{ image: string }>();
      const pull = fakePull({ site: path.name ?? "", image });
      state.images.unshift(pull);
      return json({ items: [pull], next: null }, 202);
    });
    this.on("GET", "/api/v1/sites/{name}/registration-tokens", () => page([]));
    this.on("POST", "/api/v1/sites/{name}/registration-tokens", () => json({ id: fakeId(), secret: "alr_7c1e55d0b2f94a8e", expires_at: iso(Date.now() + 6e8) }, 201));
    this.on("PATCH", "/api/v1/runners/{id}", async ({ path, json: read }) => {
      const { draining } = await read<{ draining: boolean }>();
      const runner = found(state.sites.flatMap((site) => site.runners), path.id, "runner_unknown");
      runner.state = draining ? "draining" : "online";
      return json(runner);
    });
  }

  private routeShares() {
    const { state } = this;
    this.on("GET", "/api/v1/runs/{id}/shares", ({ path }) => page(state.shares.filter((share) => share.run === path.id)));
    this.on("POST", "/api/v1/runs/{id}/shares", async ({ path, json: read }) => {
      const { kind, name, lasts_s } = await read<{ kind: Share["kind"]; name: string | null; lasts_s: number | null }>();
      if (name === "nobody") return problem(422, "invalid", "name: nobody here is called 'nobody'", { faults: [{ field: "name", reason: "nobody here is called 'nobody'" }] });
      const share: Share = { id: fakeId(), run: path.id ?? "", kind, name: name ?? "", account: null, group: null, members: [], created_at: iso(Date.now()), expires_at: lasts_s ? iso(Date.now() + lasts_s * 1000) : null };
      state.shares.push(share);
      const code = kind === "code" ? "7k3m-abcd-efgh-jkmn" : null;
      return json({ share, code, link: code && `http://127.0.0.1:8470/share#${code}` }, 201);
    });
    this.on("DELETE", "/api/v1/runs/{id}/shares/{share}", ({ path }) => {
      state.shares = state.shares.filter((share) => share.id !== path.share);
      return new Response(null, { status: 204 });
    });
    this.on("GET", "/api/v1/runs/{id}/presence", () => page([{ account: state.account.id, name: state.account.name, came_at: iso(Date.now()), left_at: null }]));
    this.on("GET", "/api/v1/shared-runs", () => page(state.shared));
    this.on("GET", "/api/v1/shared-runs/{id}", ({ path }) => json(found(state.shared, path.id, "run_unknown")));
    this.on("POST", "/api/v1/shares/redeem", async ({ json: read }) => {
      const { code } = await read<{ code: string }>();
      return code === "7k3m-abcd-efgh-jkmn" ? json(state.shared[0]) : problem(404, "share_unknown", "This code opens nothing: it was mistyped, or has ended.");
    });
  }

  private routeRuns() {
    const { state } = this;
    this.on("GET", "/api/v1/runs", ({ url }) => {
      const states = url.searchParams.get("state")?.split(",");
      const tool = url.searchParams.get("tool");
      return page(state.runs.filter((run) => (!states || states.includes(run.state)) && (!tool || run.tool === tool)));
    });
    this.on("POST", "/api/v1/runs/preview", async ({ json: read }) => json(this.preview(await read<RunRequest>())));
    this.on("POST", "/api/v1/runs", async ({ json: read }) => {
      const request = await read<RunRequest>();
      const preview = this.preview(request);
      const tool = state.tools.find((known) => known.name === preview.tool);
      const run = fakeRun({
        tool: preview.tool,
        title: tool?.title,
        kind: tool?.kind,
        request: { ...fakeRun().request, ...request } as Run["request"],
        datasets: preview.datasets.map((used) => ({ dataset: used.dataset, identifier: used.identifier, title: used.title, name: used.title.toLowerCase().replace(/\W+/g, "-"), mode: "mount", status: null, detail: "" })),
        state: "queued",
        word: "Waiting",
        ready: false,
        open_url: null,
        attempt: 0,
        progress: 0,
        started_at: null,
        ready_at: null,
        created_at: iso(Date.now()),
        queued_at: iso(Date.now()),
      });
      state.runs.unshift(run);
      this.tell({ kind: "run", key: run.id });
      return json(run, 201);
    });
    this.on("GET", "/api/v1/runs/{id}", ({ path }) => json(found(state.runs, path.id, "run_unknown")));
    this.on("DELETE", "/api/v1/runs/{id}", ({ path }) => {
      state.runs = state.runs.filter((run) => run.id !== path.id);
      return new Response(null, { status: 204 });
    });
    this.on("POST", "/api/v1/runs/{id}/stop", ({ path }) => this.steer(path.id, { state: "paused", word: "Stopped", ready: false, open_url: null, ended_at: iso(Date.now()), reason: "stopped by its owner", reason_code: "stopped_by_owner" }));
    this.on("POST", "/api/v1/runs/{id}/cancel", ({ path }) => this.steer(path.id, { state: "canceled", word: "Ended", ready: false, ended_at: iso(Date.now()) }));
    this.on("POST", "/api/v1/runs/{id}/start", ({ path }) => this.steer(path.id, { state: "initializing", word: "Starting", ended_at: null, reason: "", reason_code: "starting", message: "Starting JupyterLab", progress: 40 }));
    this.on("POST", "/api/v1/runs/{id}/extend", ({ path }) => this.steer(path.id, {}));
    this.on("POST", "/api/v1/runs/{id}/datasets", async ({ path, json: read }) => {
      const use = await read<{ id: string; name?: string; mode: "mount" | "copy" }>();
      const dataset = state.datasets.find((known) => known.identifiers.some((identifier) => identifier.value === use.id));
      if (!dataset) return problem(404, "identifier_unknown", "No dataset is registered under this identifier.");
      const run = found(state.runs, path.id, "run_unknown");
      const attached: Run["datasets"][number] = { dataset: dataset.id, identifier: use.id, title: dataset.title, name: use.name ?? "attached", mode: use.mode, status: use.mode === "copy" ? "copied" : "mounted", detail: "" };
      return this.steer(run.id, { datasets: [...run.datasets, attached] });
    });
    this.on("DELETE", "/api/v1/runs/{id}/datasets/{name}", ({ path }) => {
      const run = found(state.runs, path.id, "run_unknown");
      return this.steer(run.id, { datasets: run.datasets.filter((used) => used.name !== path.name) });
    });
    this.on("GET", "/api/v1/runs/{id}/log", ({ path, url }) => {
      const log = new TextEncoder().encode(state.logs.get(path.id ?? "") ?? "");
      const offset = Number(url.searchParams.get("offset") ?? 0);
      const limit = Number(url.searchParams.get("limit") ?? log.length);
      return new Response(log.slice(offset, offset + limit), { headers: { "content-type": "text/plain", "x-log-size": String(log.length) } });
    });
    this.on("GET", "/api/v1/runs/{id}/events", ({ path }) => page(eventsOf(path.id ?? "")));
    this.on("GET", "/api/v1/runs/{id}/attempts", ({ path }) => {
      const run = found(state.runs, path.id, "run_unknown");
      return page(Array.from({ length: run.attempt }, (_, index) => fakeAttempt({ number: index + 1, ...(index + 1 < run.attempt && { state: "paused", ended_at: run.updated_at, reason: "stopped by its owner" }) })));
    });
    this.on("GET", "/api/v1/runs/{id}/explain", ({ path }) =>
      json({ refusals: [{ run: path.id, runner: state.sites[0]?.runners[0]?.id, site: "local", reason: "needs 16 cpus, 5 free", never: false }, { run: path.id, runner: state.sites[1]?.runners[0]?.id, site: "sdsc", reason: "no location of doi:10.5072/autzen, and it may not leave its site", never: true }], position: 2, about_s: 20, line: "2nd in line, about 20 s", rule: "Runs go where their data is; the oldest goes first" }),
    );
    this.on("GET", "/api/v1/runs/{id}/artifacts", ({ path }) => {
      const run = found(state.runs, path.id, "run_unknown");
      if (run.kind !== "task" || run.word !== "Ended") return page([]);
      return page([fakeArtifact(run.id, { path: "height-map.png", media_type: "image/png", size_bytes: 84_213 }), fakeArtifact(run.id)]);
    });
    this.on("GET", "/api/v1/runs/{id}/artifacts/{path}", ({ path }) =>
      path.path?.endsWith(".png") ? new Response(PICTURE, { headers: { "content-type": "image/svg+xml" } }) : json({ points: 110_000, cell_m: 2 }),
    );
    this.on("POST", "/api/v1/runs/{id}/access", ({ path }) => json({ url: `http://${path.id}.localhost:8470/lab`, ticket_url: `http://${path.id}.localhost:8470/.alongside/ticket?t=eyJhbGciOiJFZERTQSJ9.e30.c2ln&next=/lab`, expires_at: iso(Date.now() + 6e4) }));
    this.on("GET", "/api/v1/actions", () => page([]));
  }

  private routeAdmin() {
    const { state } = this;
    this.on("GET", "/api/v1/accounts", ({ url }) => {
      const standing = url.searchParams.get("standing");
      return page(state.accounts.filter((account) => !standing || account.standing === standing));
    });
    for (const [verb, standing] of [["approve", "admitted"], ["refuse", "refused"]] as const) {
      this.on("POST", `/api/v1/accounts/{id}/${verb}`, ({ path }) => {
        const account = state.accounts.find((one) => one.id === path.id);
        if (!account) return problem(404, "account_unknown", "No account has this id.");
        account.standing = standing;
        return json(account);
      });
    }
    this.on("GET", "/api/v1/invitations", () => page([]));
    this.on("GET", "/api/v1/audit", () => json({ items: [] }));
    this.on("POST", "/api/v1/accounts", async ({ json: read }) => {
      const given = await read<Partial<Account>>();
      if (state.accounts.some((known) => known.name === given.name)) return problem(409, "name_taken", "The name is already in use.");
      const account = { ...state.account, email: null, display_name: "", ...given, id: fakeId() };
      state.accounts.push(account);
      return json(account, 201);
    });
    this.on("PATCH", "/api/v1/accounts/{id}", async ({ path, json: read }) => {
      const account = found(state.accounts, path.id, "account_unknown");
      Object.assign(account, await read<object>());
      return json(account);
    });
    this.on("POST", "/api/v1/accounts/{id}/sign-in-link", () => json({ url: "http://127.0.0.1:8470/sign-in#token=als_5e7f2a", expires_at: iso(Date.now() + 36e5) }, 201));
    this.on("GET", "/api/v1/groups", () => page(state.groups));
    this.on("GET", "/api/v1/tags", () => page(state.tags));
  }

  private routeLive() {
    this.on("GET", "/live/v1/events", () => this.stream((send) => send(JSON.stringify({ kind: "hello", key: "" }))));
    this.on("GET", "/live/v1/runs/{id}/progress", ({ path }) => {
      const run = found(this.state.runs, path.id, "run_unknown");
      return this.stream((send) => send(JSON.stringify({ progress: run.progress, message: run.message || run.reason, state: run.state, word: run.word })));
    });
    this.on("GET", "/live/v1/runs/{id}/log", () => this.stream(() => undefined));
  }

  private stream(begin: (send: (data: string) => void) => void): Response {
    const encoder = new TextEncoder();
    let listener: (data: string) => void;
    const { listeners } = this;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        listener = (data) => controller.enqueue(encoder.encode(`data: ${data}\n\n`));
        listeners.add(listener);
        begin(listener);
      },
      cancel() {
        listeners.delete(listener);
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }

  private me(): Me {
    const { account } = this.state;
    const active = this.state.runs.filter((run) => ["queued", "initializing", "running", "canceling"].includes(run.state));
    const scopes: Me["scopes"] = account.role === "admin" ? ["read", "run", "publish", "admin"] : ["read", "run", "publish"];
    return {
      account,
      scopes,
      via: "session",
      tags: this.state.tags.map((tag) => tag.name),
      quota: { running: { used: active.length, limit: 10 }, cpus: { used: active.reduce((sum, run) => sum + run.resources.cpus, 0), limit: 8 }, memory_gb: { used: active.reduce((sum, run) => sum + run.resources.memory_gb, 0), limit: null }, gpus: { used: 0, limit: null } },
      csrf_token: CSRF,
      looker: null,
    };
  }

  private preview(request: RunRequest): Preview {
    const { state } = this;
    const name = request.tool.split("@")[0];
    const tool = found(state.tools.map((known) => ({ ...known, id: known.name })), name, "tool_unknown");
    const datasets = (request.datasets ?? []).map((use) => {
      const dataset = state.datasets.find((known) => known.id === use.id || known.identifiers.some((identifier) => bare(use.id).endsWith(bare(identifier.value).replace(/^\w+:/, ""))));
      if (!dataset) throw problem(404, "identifier_unknown", `No dataset is registered under ${use.id}.`);
      return { identifier: dataset.identifiers[0]?.value ?? "", title: dataset.title, size_bytes: dataset.size_bytes, dataset: dataset.id };
    });
    const match = state.runs.find((run) => run.tool === name && ["Ready", "Stopped"].includes(run.word) && datasets.length > 0 && run.datasets.some((used) => used.dataset === datasets[0]?.dataset));
    const enough = (request.resources?.cpus ?? 1) <= 8;
    return {
      tool: tool.name,
      version: tool.latest.spec.version,
      datasets,
      places: [
        { site: "local", runner: "bench-1", ok: enough, reason: enough ? "" : `needs ${request.resources?.cpus} cpus, 5 free` },
        { site: "sdsc", runner: "login-2", ok: false, reason: "no location of the data, and it may not leave its site" },
      ],
      match: match ?? null,
      quota: this.me().quota,
      resources: { ...tool.latest.spec.resources, ...request.resources },
      resource_class: request.resource_class ?? null,
      classes: [],
      lifetime_s: request.lifetime_s ?? null,
      arguments: request.arguments ?? {},
      arguments_schema: tool.latest.spec.arguments,
    };
  }

  private steer(id: string | undefined, changes: Partial<Run>): Response {
    const run = found(this.state.runs, id, "run_unknown");
    this.advance(run.id, changes);
    return json(fakeAction(run.id), 202);
  }
}

export function createHubDouble(): HubDouble {
  return new HubDouble();
}

function eventsOf(run: string) {
  return [
    fakeEvent(run, { kind: "state", state: "queued", message: "Asked for by ada" }),
    fakeEvent(run, { kind: "state", state: "initializing", message: "Placed at local: the data is there" }),
    fakeEvent(run, { kind: "dataset", message: "autzen: mounted read-only" }),
    fakeEvent(run, { kind: "progress", progress: 40, message: "Starting jupyter lab" }),
    fakeEvent(run, { kind: "ready", state: "running", message: "" }),
  ];
}

function specFaults(source: string) {
  const faults: { field: string; reason: string }[] = [];
  if (!/^name:/m.test(source)) faults.push({ field: "name", reason: "is missing" });
  if (!/^version:/m.test(source)) faults.push({ field: "version", reason: "is missing" });
  if (!/^kind: (interactive|task)/m.test(source)) faults.push({ field: "kind", reason: "must be 'interactive' or 'task'" });
  if (!/^components:/m.test(source)) faults.push({ field: "components", reason: "a tool needs at least one component" });
  return faults;
}

/** An identifier or a text without what differs between its common forms. */
function bare(text: string): string {
  return text.toLowerCase().replace(/https?:\/\/(dx\.)?doi\.org\//g, "").replace(/doi:\s*/g, "").trim();
}

function found<T extends { id: string }>(items: readonly T[], id: string | undefined, code: string): T {
  const item = items.find((candidate) => candidate.id === id);
  if (!item) throw problem(404, code, `${code.replace("_", " ")}: ${id}`);
  return item;
}

async function copyOfBody(request: Request): Promise<unknown> {
  const text = await request.clone().text();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function json(value: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json", ...headers } });
}

function page(items: readonly unknown[]): Response {
  return json({ items, next: null });
}

function problem(status: number, code: string, detail: string, extra: object = {}): Response {
  const document = { type: `about:blank#${code}`, title: detail, status, detail, code, ...extra };
  return new Response(JSON.stringify(document), { status, headers: { "content-type": "application/problem+json" } });
}

function invalid(faults: { field: string; reason: string }[]): Response {
  return problem(422, "invalid", "The request is not valid.", { faults });
}

const PICTURE = `<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300"><defs><radialGradient id="g"><stop stop-color="#fde725"/><stop offset=".5" stop-color="#21918c"/><stop offset="1" stop-color="#440154"/></radialGradient></defs><rect width="400" height="300" fill="url(#g)"/></svg>`;

function badge(text: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="170" height="20"><rect width="170" height="20" rx="4" fill="#0b7a78"/><text x="85" y="14" fill="#fff" font-family="sans-serif" font-size="11" text-anchor="middle">${text}</text></svg>`;
}
