/** Where a share's link leads: redeems the code, and on to the run. */
import { Button, Group, Stack, TextInput } from "@mantine/core";
import { IconKey } from "@tabler/icons-react";
import { type FormEvent, useEffect, useState } from "react";
import { useNavigate } from "react-router";
import { useRedeem } from "@/api/shares";
import { asProblem } from "@/api/problem";
import { Page } from "@/components/page";
import { Panel } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { dropShareCode, heldShareCode } from "@/lib/share-code";

export function SharePage() {
  const navigate = useNavigate();
  const { mutate, error, isPending } = useRedeem();
  const [code, setCode] = useState(heldShareCode);
  const redeem = (event: FormEvent) => {
    event.preventDefault();
    mutate(code, {
      onSuccess: (run) => void navigate(`/runs/${run.id}`, { replace: true }),
      onError: (failed) => {
        const mine = asProblem(failed).document.run;
        if (typeof mine === "string") void navigate(`/runs/${mine}`, { replace: true });
      },
    });
  };
  useEffect(() => dropShareCode, []);
  return (
    <Page title="Come into a run" lead="Somebody shares a running tool with you. What you do in it, you do in theirs.">
      <Panel p="lg" maw={480}>
        <form onSubmit={redeem}>
          <Stack>
            <TextInput
              label="Code"
              description="As you were given it; dashes and capitals do not matter"
              classNames={{ input: "mono" }}
              leftSection={<IconKey size={16} aria-hidden />}
              autoComplete="off"
              spellCheck={false}
              maxLength={200}
              value={code}
              onChange={(event) => setCode(event.currentTarget.value)}
              data-autofocus
            />
            <ProblemAlert error={error} />
            <Group justify="flex-end">
              <Button type="submit" loading={isPending} disabled={!code.trim()}>
                Come in
              </Button>
            </Group>
          </Stack>
        </form>
      </Panel>
    </Page>
  );
}
