/** The verbs of one run: open, stop, start, delete. */
import { Button } from "@mantine/core";
import { IconPlayerPlay, IconPlayerStop, IconRefresh } from "@tabler/icons-react";
import { useEffect, useRef } from "react";
import { useNavigate } from "react-router";
import { useDeleteRun } from "@/api/runs";
import type { Run } from "@/api/types";
import { ConfirmButton } from "@/components/confirm-button";
import { OpenRunButton } from "@/components/open-run-button";
import { useSteering } from "@/components/use-steering";
import { useLauncher } from "@/lib/launcher";
import { settingToText } from "@/lib/json-schema";
import { verbsOf } from "./run-verbs";

export function RunActions({ run }: { run: Run }) {
  const navigate = useNavigate();
  const launch = useLauncher();
  const { press, pending } = useSteering();
  const deleting = useDeleteRun();
  const verbs = verbsOf(run);
  const openButton = useRef<HTMLButtonElement>(null);
  const wasReady = useRef(verbs.open);
  useEffect(() => {
    // Whoever waited for it can press Enter the moment it is ready.
    if (verbs.open && !wasReady.current && document.activeElement === document.body) openButton.current?.focus();
    wasReady.current = verbs.open;
  }, [verbs.open]);
  const again = () =>
    launch({
      tool: `${run.tool}@${run.version}`,
      identifiers: run.datasets.map((used) => used.identifier),
      site: run.request.site ?? undefined,
      resource_class: run.request.resource_class ?? undefined,
      ...(run.request.labels.length > 0 && { labels: run.request.labels }),
      settings: Object.fromEntries(Object.entries(run.request.arguments ?? {}).map(([name, value]) => [name, settingToText(value)])),
      fresh: true,
    });
  return (
    <>
      {verbs.open && <OpenRunButton ref={openButton} run={run} />}
      {verbs.start && (
        <Button leftSection={<IconPlayerPlay size={16} aria-hidden />} loading={pending} onClick={() => press(run.id, "start")}>
          Start
        </Button>
      )}
      {(verbs.stop || verbs.cancel) && (
        <Button
          variant="default"
          leftSection={<IconPlayerStop size={16} aria-hidden />}
          loading={pending}
          onClick={() => press(run.id, verbs.cancel ? "cancel" : "stop")}
        >
          {verbs.cancel ? "Cancel" : "Stop"}
        </Button>
      )}
      {run.kind === "task" && !verbs.cancel && (
        <Button variant="default" leftSection={<IconRefresh size={16} aria-hidden />} onClick={again}>
          Run again
        </Button>
      )}
      {verbs.remove && (
        <ConfirmButton
          label="Delete"
          confirm="Delete for good"
          question={`Delete ${run.title || run.tool} for good?`}
          error={deleting.error}
          loading={deleting.isPending}
          onConfirm={() => deleting.mutateAsync(run.id).then(() => navigate("/runs"))}
        >
          {run.kind === "interactive"
            ? "Its link stops working, and copies of data that were made for it are deleted. To keep it for later, stop it instead. Your home and the datasets are not touched."
            : "Its outputs and its log are deleted. Datasets are not touched."}
        </ConfirmButton>
      )}
    </>
  );
}
