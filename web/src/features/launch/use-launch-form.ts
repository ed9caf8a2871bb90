/** The state of a launch form: the draft, what the hub says it would do, and the launch itself. */
import { useDebouncedValue, useLocalStorage } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { asProblem } from "@/api/problem";
import { previewQuery, useLaunch } from "@/api/runs";
import { toolsQuery, toolVersionQuery } from "@/api/tools";
import type { Run } from "@/api/types";
import { settingFaults, type Schema } from "@/lib/json-schema";
import type { LaunchWish } from "@/lib/launch-link";
import { draftOf, firstChoice, linkOf, requestOf, settingsOf, type LaunchDraft } from "./launch-request";

const PREVIEW_DELAY_MS = 200;

export function useLaunchForm(wish: Partial<LaunchWish>) {
  const tools = useQuery(toolsQuery);
  const [lastTool, setLastTool] = useLocalStorage<string | null>({ key: "alongside-last-tool", defaultValue: null });
  const [changes, setChanges] = useState<Partial<LaunchDraft>>({});
  const [submitted, setSubmitted] = useState(false);

  const given = draftOf(wish, tools.data && firstChoice(tools.data, lastTool));
  const toolText = "tool" in changes ? changes.tool : given.tool;
  const [toolName = "", version] = (toolText ?? "").split("@");
  const tool = tools.data?.find((candidate) => candidate.name === toolName);
  const pinned = useQuery({ ...toolVersionQuery(toolName, version ?? ""), enabled: Boolean(version) });
  const spec = version ? pinned.data?.spec : tool?.latest.spec;
  const schema = spec?.arguments as Schema | undefined;

  const fromLink = settingsOf(wish.settings ?? {}, schema);
  const draft: LaunchDraft = { ...given, ...changes, settings: changes.settings ?? fromLink.settings };
  const request = requestOf(draft, spec);
  const faults = settingFaults(schema, draft.settings);

  const needsData = spec?.kind === "task" && Boolean(spec.input_path) && draft.identifiers.length === 0;

  const [asked] = useDebouncedValue(JSON.stringify(request), PREVIEW_DELAY_MS);
  const askable = request && !needsData && Object.keys(faults).length === 0 ? (JSON.parse(asked) as typeof request) : null;
  const preview = useQuery(previewQuery(askable));

  // The same press twice is one launch; a changed request is another one.
  const attempt = JSON.stringify(request);
  const { key } = useMemo(() => ({ attempt, key: idempotencyKey() }), [attempt]);
  const launching = useLaunch();
  const error = launching.error ?? (askable ? preview.error : null);

  const launch = async (): Promise<Run | null> => {
    setSubmitted(true);
    if (!request || needsData || Object.keys(faults).length > 0) return null;
    const run = await launching.mutateAsync({ request, key });
    setLastTool(toolName);
    return run;
  };

  return {
    tools,
    tool,
    spec,
    schema,
    draft,
    needsData,
    ignored: schema || tool ? fromLink.ignored : [],
    change: (change: Partial<LaunchDraft>) => {
      launching.reset();
      setChanges((before) => ({ ...before, ...change }));
    },
    chooseTool: (name: string) => {
      launching.reset();
      setSubmitted(false);
      setChanges((before) => ({ ...before, tool: name, settings: undefined, executor: undefined }));
    },
    preview: preview.error ? undefined : preview.data,
    previewPending: preview.isFetching && !preview.data,
    error,
    faults: { ...(submitted ? faults : {}), ...refusedSettings(error) },
    link: linkOf(draft),
    launch,
    launching: launching.isPending,
  };
}

export type LaunchForm = ReturnType<typeof useLaunchForm>;

/** Faults that the hub found in settings, by the setting's name. */
function refusedSettings(error: unknown): Record<string, string> {
  if (!error) return {};
  const named = asProblem(error).faults.filter((fault) => fault.field.startsWith("arguments."));
  return Object.fromEntries(named.map((fault) => [fault.field.slice("arguments.".length), fault.reason]));
}

/** `crypto.randomUUID` exists on secure origins only; a hub on a plain-http intranet is none. */
function idempotencyKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
