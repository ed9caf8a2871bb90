/** From a wish (a link, a button) and what the person changed to the one request that the hub takes. Pure. */
import type { Resources, RunRequest, Tool, ToolSpec } from "@/api/types";
import type { LaunchWish } from "@/lib/launch-link";
import { launchPath } from "@/lib/launch-link";
import { settingFromText, settingToText, type Schema, type Settings } from "@/lib/json-schema";

/** What the form holds. */
export interface LaunchDraft {
  tool: string | undefined;
  identifiers: string[];
  open?: string;
  title?: string;
  site?: string;
  executor?: string;
  cpus?: number;
  memory_gb?: number;
  gpus?: number;
  lifetime_h?: number;
  /** in place of cpus, memory and gpus */
  resource_class?: string;
  labels?: string[];
  settings: Settings;
}

export function requestOf(draft: LaunchDraft, spec: ToolSpec | undefined): RunRequest | null {
  if (!draft.tool) return null;
  return {
    tool: draft.tool,
    datasets: draft.identifiers.map((id) => ({ id })),
    arguments: draft.settings,
    ...(draft.title && { title: draft.title }),
    ...(draft.open && { open: draft.open }),
    ...(draft.site && { site: draft.site }),
    ...(draft.executor && { executor: draft.executor }),
    ...(draft.lifetime_h && { lifetime_s: draft.lifetime_h * 3600 }),
    ...(draft.labels && draft.labels.length > 0 && { labels: draft.labels }),
    ...(draft.resource_class && !asksResources(draft) && { resource_class: draft.resource_class }),
    ...(asksResources(draft) && { resources: resourcesOf(draft, spec?.resources) }),
  };
}

export function draftOf(wish: Partial<LaunchWish>, tool: string | undefined): LaunchDraft {
  return {
    tool: wish.tool ?? tool,
    identifiers: wish.identifiers ?? [],
    open: wish.open,
    title: wish.title,
    site: wish.site,
    executor: wish.executor,
    cpus: wish.cpus,
    memory_gb: wish.memory_gb,
    resource_class: wish.resource_class,
    labels: wish.labels,
    settings: {},
  };
}

/** Settings of a link under the tool's schema; what the tool has no setting for is named, not sent. */
export function settingsOf(texts: Record<string, string>, schema: Schema | undefined): { settings: Settings; ignored: string[] } {
  const known = schema?.properties ?? {};
  const settings: Settings = {};
  const ignored: string[] = [];
  for (const [name, text] of Object.entries(texts)) {
    if (name in known) settings[name] = settingFromText(known[name], text);
    else ignored.push(name);
  }
  return { settings, ignored };
}

/** The link that opens this very form again. */
export function linkOf(draft: LaunchDraft): string {
  return launchPath({
    ...draft,
    settings: Object.fromEntries(Object.entries(draft.settings).map(([name, value]) => [name, settingToText(value)])),
  });
}

/** The tool that is offered first: what was used last, else the first interactive one that can run somewhere. */
export function firstChoice(tools: readonly Tool[], lastUsed: string | null): string | undefined {
  const able = tools.filter((tool) => tool.runnable.ok);
  const choices = able.length > 0 ? able : tools;
  return (
    choices.find((tool) => tool.name === lastUsed) ??
    choices.find((tool) => tool.kind === "interactive") ??
    choices[0]
  )?.name;
}

export function asksResources(draft: LaunchDraft): boolean {
  return draft.cpus !== undefined || draft.memory_gb !== undefined || draft.gpus !== undefined;
}

function resourcesOf(draft: LaunchDraft, usual: Resources | undefined): Resources {
  return {
    cpus: draft.cpus ?? usual?.cpus ?? 1,
    memory_gb: draft.memory_gb ?? usual?.memory_gb ?? 1,
    gpus: draft.gpus ?? usual?.gpus ?? 0,
    disk_gb: usual?.disk_gb ?? 0,
  };
}
