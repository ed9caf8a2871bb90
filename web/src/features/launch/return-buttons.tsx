/** Ways back into a run that one already has. */
import { Button, Group } from "@mantine/core";
import { useNavigate } from "react-router";
import type { Run } from "@/api/types";
import { OpenRunButton } from "@/components/open-run-button";
import { useSteering } from "@/components/use-steering";

const STARTABLE: readonly string[] = ["Stopped", "Failed", "Ended"];

export function ReturnButtons({ match, onLeave }: { match: Run; onLeave?: () => void }) {
  const navigate = useNavigate();
  const { press, pending } = useSteering();
  const goTo = () => {
    onLeave?.();
    void navigate(`/runs/${match.id}`);
  };
  return (
    <Group gap="xs">
      {match.word === "Ready" && <OpenRunButton run={match} size="xs" />}
      {STARTABLE.includes(match.word) && (
        <Button
          size="xs"
          loading={pending}
          onClick={() => {
            press(match.id, "start");
            goTo();
          }}
        >
          Start it again
        </Button>
      )}
      <Button size="xs" variant="default" onClick={goTo}>
        Return to it
      </Button>
    </Group>
  );
}
