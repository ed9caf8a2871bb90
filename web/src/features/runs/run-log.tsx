/** The log of an attempt: follows its end until the reader scrolls away from it. */
import { Anchor, Button, Checkbox, Group, Select, Skeleton, Text } from "@mantine/core";
import { IconArrowDown } from "@tabler/icons-react";
import { useLayoutEffect, useMemo, useRef, useState } from "react";
import { useLogTail } from "@/api/run-streams";
import type { Run } from "@/api/types";
import { Panel } from "@/components/panel";
import { Section } from "@/components/section";
import { plainLog } from "@/lib/plain-log";
import { isMoving } from "./run-verbs";
import classes from "./run-log.module.css";

/** How near the end counts as being at it. */
const NEAR_PX = 40;
const SHORT_LINES = 18;

export function RunLog({ run }: { run: Run }) {
  const [chosen, setChosen] = useState<number | null>(null);
  const attempt = chosen ?? run.attempt;
  if (run.attempt === 0) return null;
  return (
    <Section
      title="Log"
      aside={
        run.attempt > 1 && (
          <Select
            size="xs"
            w={130}
            aria-label="Attempt of the log"
            data={Array.from({ length: run.attempt }, (_, index) => ({ value: String(run.attempt - index), label: `Attempt ${run.attempt - index}` }))}
            value={String(attempt)}
            allowDeselect={false}
            onChange={(value) => setChosen(value ? Number(value) : null)}
          />
        )
      }
    >
      <LogOf key={attempt} run={run} attempt={attempt} />
    </Section>
  );
}

function LogOf({ run, attempt }: { run: Run; attempt: number }) {
  const tail = useLogTail(run.id, attempt, attempt === run.attempt && isMoving(run));
  const text = useMemo(() => plainLog(tail.text), [tail.text]);
  const [wrap, setWrap] = useState(true);
  const [following, setFollowing] = useState(true);
  const box = useRef<HTMLPreElement>(null);
  useLayoutEffect(() => {
    if (following && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text, following, wrap]);
  const onScroll = () => {
    const element = box.current;
    if (element) setFollowing(element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX);
  };
  const isShort = text.split("\n", SHORT_LINES + 1).length <= SHORT_LINES;
  return (
    <Panel>
      {tail.state === "loading" && !text ? (
        <Skeleton h={120} radius={0} role="status" aria-label="Loading the log" />
      ) : (
        // A region that scrolls must be reachable by keyboard.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <pre ref={box} className={classes.log} data-wrap={wrap} data-short={isShort} onScroll={onScroll} tabIndex={0} role="log" aria-label="Log">
          {tail.cut && <Text c="dimmed" fz="inherit">… earlier lines are in the whole log …{"\n"}</Text>}
          {text || <Text c="dimmed" fz="inherit">{tail.state === "failed" ? "The log could not be read." : "Nothing was written yet."}</Text>}
        </pre>
      )}
      <div className={classes.bar}>
        <span role="status">{sayState(tail.state, following)}</span>
        <Group gap="md">
          {!following && (
            <Button size="compact-xs" variant="light" leftSection={<IconArrowDown size={12} aria-hidden />} onClick={() => setFollowing(true)}>
              Follow the end
            </Button>
          )}
          <Checkbox size="xs" label="Wrap" checked={wrap} onChange={(event) => setWrap(event.currentTarget.checked)} />
          <Anchor size="xs" href={`/api/v1/runs/${run.id}/log?attempt=${attempt}`} target="_blank" rel="noopener">
            Whole log
          </Anchor>
        </Group>
      </div>
    </Panel>
  );
}

function sayState(state: "loading" | "following" | "ended" | "failed", following: boolean): string {
  if (state === "following") return following ? "Following as it is written" : "Held while you read";
  return { loading: "Reading…", ended: "Complete", failed: "Not available" }[state];
}
