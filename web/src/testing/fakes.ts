/** Values of the API for tests and for the double: complete, plausible, each member changeable. */
import type { Account, Action, Artifact, Attempt, Dataset, ImagePull, Run, RunEvent, Runner, Site, Tag, Tool, ToolSpec, ToolVersion } from "@/api/types";

let counted = 0;

/** An id of the right shape, ordered by the order of making. */
export function fakeId(): string {
  counted += 1;
  return `01k9${counted.toString(32).padStart(22, "0")}`;
}

export function ago(seconds: number): string {
  return new Date(Date.now() - seconds * 1000).toISOString();
}

export const NO_LIMITS = { running: null, cpus: null, memory_gb: null, gpus: null, lifetime_s: null, home_gb: null };

export function fakeAccount(changes: Partial<Account> = {}): Account {
  return { id: fakeId(), name: "ada", role: "user", display_name: "Ada Lovelace", email: "ada@example.org", active: true, limits: NO_LIMITS, created_at: ago(9e6), account_class: "standard", email_verified: false, standing: "admitted", guest: false, expires_at: null, deleted_at: null, ...changes };
}

export function fakeDataset(changes: Partial<Dataset> = {}): Dataset {
  const id = fakeId();
  return {
    id,
    title: "Autzen stadium lidar, trimmed",
    identifiers: [{ scheme: "doi", value: "doi:10.5072/autzen", display: "10.5072/autzen" }],
    locations: [{ id: fakeId(), kind: "file", site: "local", path: "/data/lidar/autzen_trim.laz", url: null, size_bytes: 57_300_000, sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" }],
    description: "An aerial survey of a stadium.",
    creators: ["Watershed Sciences"],
    metadata: { license: "CC0", points: 110000 },
    tags: [],
    may_leave: false,
    created_by: null,
    created_at: ago(4e5),
    updated_at: ago(4e5),
    revision: 1,
    size_bytes: 57_300_000,
    ...changes,
  };
}

export function fakeSpec(changes: Partial<ToolSpec> = {}): ToolSpec {
  return {
    name: "jupyterlab",
    version: "4.4.9",
    kind: "interactive",
    components: [
      {
        name: "main",
        image: "quay.io/jupyter/scipy-notebook:2026-10-01",
        environment: "jupyter",
        command: ["jupyter", "lab", "--ServerApp.sock={socket}", "--no-browser"],
        env: {},
        port: 8888,
        depends: [],
        probe: { type: "http", path: "/api", port: null, timeout_s: 120, interval_s: 0.25 },
        open_path: "/lab",
      },
    ],
    title: "JupyterLab",
    description: "Notebooks, a terminal and a file browser, beside the data.",
    icon: "jupyter",
    arguments: {},
    resources: { cpus: 1, memory_gb: 2, gpus: 0, disk_gb: 0 },
    resource_class: null,
    labels: [],
    network: false,
    input_path: null,
    output_path: "/out",
    time_limit_s: null,
    lifetime_s: null,
    idle_s: null,
    activity: "jupyter",
    restart: { times: 3, backoff_s: 2 },
    open_template: "/lab/tree/{open}",
    reads: [],
    ...changes,
  };
}

export function fakeToolVersion(spec: ToolSpec = fakeSpec()): ToolVersion {
  return { id: fakeId(), spec, created_at: ago(3e5), created_by: null, tags: [], digest: "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c" };
}

export function fakeTool(spec: ToolSpec = fakeSpec(), changes: Partial<Tool> = {}): Tool {
  return {
    name: spec.name,
    title: spec.title,
    description: spec.description,
    icon: spec.icon,
    kind: spec.kind,
    latest: fakeToolVersion(spec),
    versions: [spec.version],
    tags: [],
    runnable: { ok: true, reason: "", sites: ["local"] },
    ...changes,
  };
}

export function fakeRun(changes: Partial<Run> = {}): Run {
  const id = changes.id ?? fakeId();
  return {
    id,
    account: "01k90000000000000000000001",
    account_name: "ada",
    tool: "jupyterlab",
    version: "4.4.9",
    kind: "interactive",
    title: "JupyterLab",
    state: "running",
    ready: true,
    request: { tool: "jupyterlab", datasets: [{ id: "doi:10.5072/autzen", name: null, mode: "mount" }], title: "", arguments: {}, open: null, site: null, executor: null, resources: null, resource_class: null, labels: [], time_limit_s: null, lifetime_s: null, priority: 0 },
    resources: { cpus: 1, memory_gb: 2, gpus: 0, disk_gb: 0 },
    datasets: [],
    created_at: ago(4_000),
    updated_at: ago(3_000),
    reason_code: null,
    reason: "",
    site: "local",
    executor: "process",
    attempt: 1,
    progress: 100,
    message: "",
    queued_at: ago(4_000),
    started_at: ago(3_998),
    ready_at: ago(3_994),
    ended_at: null,
    ends_at: null,
    resource_class: null,
    lifetime_s: null,
    lifetime_max_s: null,
    idle_since: null,
    pauses_at: null,
    exit_code: null,
    url: `http://${id}.localhost:8470`,
    restarts: 0,
    revision: 1,
    word: "Ready",
    open_url: `/open/${id}`,
    queue: null,
    ...changes,
  };
}

export function fakeRunner(changes: Partial<Runner> = {}): Runner {
  return {
    id: fakeId(),
    name: "bench-1",
    site: "local",
    state: "online",
    labels: [],
    executors: [
      { kind: "process", available: true, reason: "", environments: ["jupyter", "lidar"], can_mount: true, single_tenant: false, can_attach: true, network: false },
      { kind: "docker", available: false, reason: "no Docker Engine answers at /var/run/docker.sock", environments: [], can_mount: true, single_tenant: false, can_attach: true, network: false },
    ],
    capacity: { cpus: 8, memory_gb: 32, gpus: 0, starts: 8 },
    version: "0.1.0",
    last_seen_at: ago(2),
    created_at: ago(1e6),
    epoch: 3,
    used: { cpus: 3, memory_gb: 9, gpus: 0, disk_gb: 0 },
    runs: [],
    added_labels: [],
    ...changes,
  };
}

export function fakeSite(changes: Partial<Site> = {}): Site {
  return { id: fakeId(), name: "local", title: "This machine", description: "What ./up made", edge_url: "http://{run}.localhost:8470", enabled: true, created_at: ago(1e6), tags: [], runners: [fakeRunner()], ...changes };
}

export function fakePull(changes: Partial<ImagePull> = {}): ImagePull {
  return { id: fakeId(), site: "local", runner: "bench-1", image: "alongside/jupyterlab:4", state: "running", progress: 40, message: "", created_at: ago(5), updated_at: ago(1), reason_code: null, reason: "", ...changes };
}

export function fakeAttempt(changes: Partial<Attempt> = {}): Attempt {
  return { number: 1, state: "running", runner: fakeId(), site: "local", executor: "process", created_at: ago(4_000), started_at: ago(3_998), ended_at: null, exit_code: null, reason_code: null, reason: "", ...changes };
}

export function fakeEvent(run: string, changes: Partial<RunEvent> = {}): RunEvent {
  counted += 1;
  return { seq: counted, run, attempt: 1, at: ago(3_000), kind: "state", state: null, progress: null, message: "", reason_code: null, ...changes };
}

export function fakeArtifact(run: string, changes: Partial<Artifact> = {}): Artifact {
  return { id: fakeId(), run, attempt: 1, path: "statistics.json", size_bytes: 812, sha256: "00", media_type: "application/json", at_hub: true, ...changes };
}

export function fakeAction(run: string, changes: Partial<Action> = {}): Action {
  return { id: fakeId(), run, account: fakeId(), kind: "attach", body: {}, state: "queued", created_at: ago(1), updated_at: ago(1), expires_at: ago(-86_400), reason_code: null, reason: "", ...changes };
}

export function fakeTag(changes: Partial<Tag> = {}): Tag {
  return { id: fakeId(), name: "embargoed", description: "Not yet published", created_at: ago(1e6), accounts: [], groups: [], things: [], ...changes };
}
