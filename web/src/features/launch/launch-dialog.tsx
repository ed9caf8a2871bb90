/** The launch dialog: inside the app it is the consent, so it says what runs, where and on what before it does. */
import { Box, Button, Collapse, Group, Modal, Stack, Text, UnstyledButton } from "@mantine/core";
import { useDisclosure, useMediaQuery } from "@mantine/hooks";
import { IconChevronDown, IconRocket } from "@tabler/icons-react";
import type { FormEvent } from "react";
import { useNavigate } from "react-router";
import { AsCommand } from "@/components/as-command";
import { CopyLine } from "@/components/copy-line";
import { ProblemAlert } from "@/components/problem-alert";
import { SchemaForm } from "@/components/schema-form";
import { launchCommand } from "@/lib/command";
import { fieldsOf } from "@/lib/json-schema";
import type { LaunchWish } from "@/lib/launch-link";
import { AdvancedWishes } from "./advanced-wishes";
import { ClassChoice } from "./class-choice";
import { ChosenData } from "./chosen-data";
import { MatchNote } from "./match-note";
import { chosenPlace, PlaceNote } from "./place-note";
import { ToolChoice } from "./tool-choice";
import classes from "./launch-dialog.module.css";
import { useLaunchForm } from "./use-launch-form";

export function LaunchDialog({ wish, onClose }: { wish: Partial<LaunchWish>; onClose: () => void }) {
  const navigate = useNavigate();
  const form = useLaunchForm(wish);
  const narrow = useMediaQuery("(max-width: 36em)");
  const [advanced, { toggle }] = useDisclosure(false);
  const { draft, tool, schema, preview } = form;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    form.launch().then(
      (run) => {
        if (!run) return;
        onClose();
        void navigate(`/runs/${run.id}`);
      },
      () => undefined, // shown in the form
    );
  };
  const waits = preview && !chosenPlace(preview);
  const toolTitle = tool?.title || tool?.name;
  return (
    <Modal opened onClose={onClose} title="Launch a tool" size={620} fullScreen={narrow}>
      <form onSubmit={submit} noValidate>
        <Stack>
          {preview?.match && !wish.fresh && <MatchNote match={preview.match} onLeave={onClose} />}
          <ToolChoice tools={form.tools.data} value={tool?.name} onChange={form.chooseTool} />
          <ChosenData identifiers={draft.identifiers} preview={preview} isTask={tool?.kind === "task"} onChange={(identifiers) => form.change({ identifiers })} />
          <ClassChoice form={form} />
          {fieldsOf(schema).length > 0 && (
            <Box>
              <Text size="sm" fw={500} mb={6}>
                Settings
              </Text>
              <SchemaForm key={tool?.name} schema={schema ?? {}} value={draft.settings} onChange={(settings) => form.change({ settings })} faults={form.faults} />
            </Box>
          )}
          <Box>
            <UnstyledButton onClick={toggle} aria-expanded={advanced} fz="sm" fw={500} style={{ display: "flex", alignItems: "center", gap: 4 }}>
              <IconChevronDown size={15} aria-hidden style={{ transform: advanced ? undefined : "rotate(-90deg)", transition: "transform 120ms" }} />
              Advanced
            </UnstyledButton>
            <Collapse expanded={advanced}>
              <Stack pt="sm">
                <AdvancedWishes form={form} />
                {draft.tool && <AsCommand lines={[launchCommand({ ...draft, tool: draft.tool, kind: tool?.kind })]} />}
                <Box>
                  <Text size="xs" c="dimmed" mb={4}>
                    A link that opens this form, filled in like this
                  </Text>
                  <CopyLine text={globalThis.location.origin + form.link} label="Copy the launch link" />
                </Box>
              </Stack>
            </Collapse>
          </Box>
          <ProblemAlert error={form.error} />
          <Group className={classes.footer} justify="space-between" align="center" gap="sm">
            <Box style={{ flex: "1 1 14rem" }}>{!form.error && <PlaceNote preview={preview} pending={form.previewPending} />}</Box>
            <Button type="submit" leftSection={<IconRocket size={16} aria-hidden />} loading={form.launching} disabled={!tool || form.needsData} data-autofocus>
              {waits ? "Launch and wait" : preview?.match && !wish.fresh ? "Launch another" : `Launch ${toolTitle ?? ""}`.trim()}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
