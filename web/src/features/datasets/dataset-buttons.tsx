/** Launch, and what belongs to a run of this dataset that the person has already. */
import { Anchor, Button, Group } from "@mantine/core";
import { IconRocket } from "@tabler/icons-react";
import { Link } from "react-router";
import type { Dataset, Run } from "@/api/types";
import { OpenRunButton } from "@/components/open-run-button";
import { useSteering } from "@/components/use-steering";
import { WordBadge } from "@/components/word-badge";
import { useLauncher } from "@/lib/launcher";

export function DatasetButtons({ dataset, run }: { dataset: Dataset; run: Run | undefined }) {
  const launch = useLauncher();
  const { press, pending } = useSteering();
  const stoppable = run && ["Ready", "Running", "Starting", "Waiting"].includes(run.word);
  return (
    <Group gap={8} wrap="wrap">
      {run && (
        <Anchor component={Link} to={`/runs/${run.id}`} c="inherit" size="sm" aria-label={`${run.title || run.tool}: ${run.word}`}>
          <WordBadge run={run} />
        </Anchor>
      )}
      {run?.word === "Ready" && <OpenRunButton run={run} size="xs" variant="light" />}
      {stoppable && (
        <Button
          size="xs"
          variant="default"
          disabled={pending}
          aria-label={`Stop ${run.title || run.tool}`}
          onClick={() => press(run.id, run.kind === "task" ? "cancel" : "stop")}
        >
          Stop
        </Button>
      )}
      {run?.word === "Stopped" && (
        <Button size="xs" variant="default" disabled={pending} aria-label={`Start ${run.title || run.tool}`} onClick={() => press(run.id, "start")}>
          Start
        </Button>
      )}
      <Button
        size="xs"
        leftSection={<IconRocket size={14} aria-hidden />}
        aria-label={`Launch a tool on ${dataset.title}`}
        onClick={() => launch({ identifiers: [dataset.identifiers[0]?.value ?? dataset.id] })}
      >
        Launch
      </Button>
    </Group>
  );
}
