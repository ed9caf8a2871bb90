/** "The same as a command": what a page shows, as the line a terminal would take. */
import { settingToText } from "./json-schema";

export interface LaunchCommand {
  tool: string;
  kind?: "interactive" | "task";
  identifiers: string[];
  open?: string;
  site?: string;
  executor?: string;
  cpus?: number;
  memory_gb?: number;
  resource_class?: string;
  labels?: string[];
  settings?: Record<string, unknown>;
}

export function launchCommand(launch: LaunchCommand): string {
  const isTask = launch.kind === "task";
  const words = isTask ? ["alongside", "task", "run", launch.tool] : ["alongside", "launch"];
  words.push(...(launch.identifiers.length > 0 ? launch.identifiers : ["ID"]));
  if (!isTask) words.push("--tool", launch.tool);
  if (launch.open) words.push("--open", launch.open);
  if (launch.site) words.push("--site", launch.site);
  if (launch.executor) words.push("--executor", launch.executor);
  if (launch.cpus) words.push("--cpus", String(launch.cpus));
  if (launch.memory_gb) words.push("--memory-gb", String(launch.memory_gb));
  if (launch.resource_class) words.push("--class", launch.resource_class);
  for (const label of launch.labels ?? []) words.push("--label", label);
  for (const [name, value] of Object.entries(launch.settings ?? {})) words.push("--arg", `${name}=${settingToText(value)}`);
  return commandLine(words);
}

/** Quotes what a POSIX shell would otherwise read as more than one plain word. */
export function commandLine(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(" ");
}
