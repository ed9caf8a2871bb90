/** What the double of the hub knows at first: two sites, some data, tools of every sort, runs in every word. */
import { NO_LIMITS, ago, fakeAccount, fakeDataset, fakeId, fakeRun, fakeRunner, fakeSite, fakeSpec, fakeTag, fakeTool } from "./fakes";
import type { HubState } from "./hub-double";

export function seed(): HubState {
  const account = fakeAccount({ role: "admin" });
  const autzen = fakeDataset({ created_by: account.id });
  const ocean = fakeDataset({
    title: "Sea surface temperature, North Atlantic, 1982 to 2024",
    identifiers: [
      { scheme: "doi", value: "doi:10.5072/sst-natl", display: "10.5072/sst-natl" },
      { scheme: "hdl", value: "hdl:20.500.12345/991", display: "20.500.12345/991" },
    ],
    locations: [
      { id: fakeId(), kind: "folder", site: "sdsc", path: "/archive/sst/natl", url: null, size_bytes: 41_200_000_000_000, sha256: null },
      { id: fakeId(), kind: "folder", site: null, path: null, url: "https://data.example.org/sst/natl.zip", size_bytes: 41_200_000_000_000, sha256: null },
    ],
    size_bytes: 41_200_000_000_000,
    creators: ["R. Reynolds", "T. Smith"],
    may_leave: true,
  });
  const cells = fakeDataset({
    title: "Cells under the microscope",
    identifiers: [{ scheme: "local", value: "local:01k9zq4m2t7v8w9x0y1z2a3b4c", display: "local:01k9zq4m2t7v8w9x0y1z2a3b4c" }],
    locations: [{ id: fakeId(), kind: "folder", site: "local", path: "/data/cells", url: null, size_bytes: 3_400_000_000, sha256: null }],
    size_bytes: 3_400_000_000,
    tags: ["embargoed"],
  });
  const jupyter = fakeTool(fakeSpec(), { versions: ["4.4.9", "4.4.2"] });
  const terminal = fakeTool(fakeSpec({ name: "terminal", title: "Terminal", icon: "terminal", version: "1.2", description: "A shell in the browser, for those who know what they want.", resources: { cpus: 0.5, memory_gb: 0.5, gpus: 0, disk_gb: 0 } }));
  const summary = fakeTool(
    fakeSpec({
      name: "pointcloud-summary",
      title: "Point cloud summary",
      icon: "point-cloud",
      kind: "task",
      version: "1.0",
      description: "Counts, bounds and a height map of a LAS or LAZ file.",
      input_path: "/in/points.laz",
      arguments: {
        type: "object",
        required: ["classification"],
        properties: {
          cell_m: { type: "number", title: "Cell size", description: "Edge of one cell of the height map, in metres.", default: 1, minimum: 0.1, maximum: 100 },
          classification: { type: "string", enum: ["all", "ground", "buildings"], description: "Which points count." },
          hillshade: { type: "boolean", default: true, description: "Shade the map as if lit from the north-west." },
        },
      },
    }),
  );
  const rstudio = fakeTool(fakeSpec({ name: "rstudio", title: "RStudio", icon: "", version: "2026.09", description: "R with its own workbench and a database beside it." }), { runnable: { ok: false, reason: "Needs Docker: no site that you may use has a Docker Engine.", sites: [] } });
  const attached = { dataset: autzen.id, identifier: "doi:10.5072/autzen", title: autzen.title, name: "autzen_trim.laz", mode: "mount" as const, status: "mounted", detail: "" };
  const ready = fakeRun({ datasets: [attached, { dataset: cells.id, identifier: "local:01k9zq4m2t7v8w9x0y1z2a3b4c", title: cells.title, name: "cells", mode: "copy", status: "copied", detail: "Copied: this sandbox cannot mount into a running tool." }], attempt: 2, ends_at: ago(-7_300) });
  const starting = fakeRun({ title: "Tides", state: "initializing", word: "Starting", ready: false, open_url: null, progress: 35, message: "Mounting autzen_trim.laz", reason_code: "staging", datasets: [{ ...attached, dataset: ocean.id, title: ocean.title, name: "natl", status: "attaching" }], created_at: ago(8), queued_at: ago(8), started_at: null, ready_at: null, site: "sdsc" });
  const waiting = fakeRun({ title: "Everything at once", state: "queued", word: "Waiting", ready: false, open_url: null, progress: 0, attempt: 0, site: null, executor: null, reason: "site local: needs 16 cpus, 5 free", reason_code: "waiting_for_capacity", resources: { cpus: 16, memory_gb: 24, gpus: 0, disk_gb: 0 }, created_at: ago(95), queued_at: ago(95), started_at: null, ready_at: null });
  const stopped = fakeRun({ title: "Last week's notebook", state: "paused", word: "Stopped", ready: false, open_url: null, reason: "stopped by its owner", reason_code: "stopped_by_owner", datasets: [{ ...attached, dataset: cells.id, title: cells.title, name: "cells" }], created_at: ago(6e5), started_at: ago(6e5), ready_at: ago(6e5 - 5), ended_at: ago(5.1e5) });
  const failed = fakeRun({ title: "Summary of cells", tool: "pointcloud-summary", version: "1.0", kind: "task", state: "executor_error", word: "Failed", ready: false, open_url: null, reason: "Ran out of memory: it used more than its limit of 1 GB.", reason_code: "out_of_memory", exit_code: 137, created_at: ago(9_000), started_at: ago(8_990), ready_at: null, ended_at: ago(8_700), datasets: [{ ...attached, dataset: cells.id, title: cells.title, name: "cells" }] });
  const done = fakeRun({ title: "Summary of Autzen", tool: "pointcloud-summary", version: "1.0", kind: "task", state: "complete", word: "Ended", ready: false, open_url: null, exit_code: 0, created_at: ago(20_000), started_at: ago(19_990), ready_at: null, ended_at: ago(19_961), datasets: [attached], request: { ...fakeRun().request, tool: "pointcloud-summary", arguments: { cell_m: 2, classification: "ground" } } });
  const task = fakeRun({ title: "Summary of everything", tool: "pointcloud-summary", version: "1.0", kind: "task", state: "running", word: "Running", ready: false, open_url: null, progress: 62, message: "Read 68,000 of 110,000 points", created_at: ago(61), queued_at: ago(61), started_at: ago(55), ready_at: null, datasets: [attached] });
  const grace = fakeAccount({ name: "grace", display_name: "Grace Hopper", email: "grace@example.org", limits: { ...NO_LIMITS, running: 3, cpus: 4, memory_gb: 16 } });
  const log = [
    "[I 2026-11-21 23:41:02.113 ServerApp] jupyterlab | extension was successfully linked.",
    "[I 2026-11-21 23:41:02.301 ServerApp] Serving notebooks from local directory: /home/ada",
    "[I 2026-11-21 23:41:02.302 ServerApp] Jupyter Server 2.17.0 is running at:",
    "[I 2026-11-21 23:41:02.302 ServerApp] http+unix://%2Frun%2Ftool.sock/lab",
    "[W 2026-11-21 23:41:04.771 LabApp] Could not determine npm prefix: [Errno 2] No such file or directory: 'npm'",
    "",
  ].join("\n");
  return {
    account,
    password: "correct horse",
    registration: "closed",
    signedIn: false,
    linkTokens: new Set(["once"]),
    datasets: [autzen, ocean, cells],
    tools: [jupyter, terminal, summary, rstudio],
    runs: [ready, starting, waiting, task, stopped, failed, done],
    images: [],
    sites: [
      fakeSite({ runners: [fakeRunner({ runs: [ready.id, task.id] })] }),
      fakeSite({ name: "sdsc", title: "San Diego Supercomputer Center", description: "GPU partition", edge_url: "https://{run}.tools.sdsc.example.edu", runners: [fakeRunner({ name: "login-2", site: "sdsc", labels: ["gpu", "a100"], capacity: { cpus: 128, memory_gb: 512, gpus: 8, starts: 8 }, used: { cpus: 120, memory_gb: 300, gpus: 6, disk_gb: 0 }, runs: [starting.id] }), fakeRunner({ name: "login-3", site: "sdsc", state: "offline", last_seen_at: ago(7_000), used: { cpus: 0, memory_gb: 0, gpus: 0, disk_gb: 0 } })] }),
    ],
    accounts: [account, grace, fakeAccount({ name: "guest-1", display_name: "", email: null, role: "guest", active: false })],
    groups: [{ id: fakeId(), name: "lidar-course", created_at: ago(1e6), members: [grace.id], managers: [] }],
    tags: [fakeTag({ accounts: [grace.id], things: [["dataset", cells.id]] })],
    tokens: [{ id: fakeId(), name: "laptop", scopes: ["read", "run"], created_at: ago(5e5), expires_at: ago(-7e6), last_used_at: ago(400) }],
    notices: [],
    banners: [],
    shares: [],
    shared: [],
    logs: new Map([ready, task, failed, done, stopped].map((run) => [run.id, log.repeat(run === ready ? 12 : 1)])),
    written: [],
  };
}
