/** Where launch links lead: says what would run, where and on what. Nothing starts until someone presses Launch. */
import { Alert, Anchor, Badge, Box, Button, Card, Group, Skeleton, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconInfoCircle, IconRocket } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useMemo } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";
import { asProblem } from "@/api/problem";
import { meQuery } from "@/api/session";
import { AsCommand } from "@/components/as-command";
import { Facts } from "@/components/facts";
import { Page } from "@/components/page";
import { ProblemAlert } from "@/components/problem-alert";
import { SchemaForm } from "@/components/schema-form";
import { ToolIcon } from "@/components/tool-icon";
import { launchCommand } from "@/lib/command";
import { fieldsOf, labelOf, settingToText } from "@/lib/json-schema";
import { readLaunchWish } from "@/lib/launch-link";
import { AdvancedWishes } from "./advanced-wishes";
import { ChosenData, ChosenLine } from "./chosen-data";
import { ClassChoice, EndsText, sayWith } from "./class-choice";
import { MatchNote } from "./match-note";
import { chosenPlace, PlaceNote, WhereText } from "./place-note";
import { ToolChoice } from "./tool-choice";
import { useLaunchForm, type LaunchForm } from "./use-launch-form";

export function ConsentPage() {
  const [search] = useSearchParams();
  const wish = useMemo(() => readLaunchWish(search), [search]);
  const form = useLaunchForm(wish);
  const navigate = useNavigate();
  const asksTool = !wish.tool;
  const hasNeeded = Object.keys(form.faults).length > 0;
  const [changing, { toggle, open }] = useDisclosure(false);
  const { tool, preview, draft } = form;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    form.launch().then(
      (run) => (run ? void navigate(`/runs/${run.id}`) : open()),
      () => undefined, // shown on the page
    );
  };
  const name = tool?.title || draft.tool;
  const unknownTool = form.tools.data && wish.tool && !tool;
  const match = wish.fresh ? null : preview?.match;
  return (
    <Page
      title={wish.tool && name ? `Launch ${name}?` : "Launch a tool?"}
      lead="A link asked for this. Nothing runs until you press Launch."
    >
      <form onSubmit={submit} noValidate>
        <Stack maw={680}>
          {match && <MatchNote match={match} />}
          <Card padding="lg" radius="lg">
            <Stack>
              {asksTool ? <ToolChoice tools={form.tools.data} value={tool?.name} onChange={form.chooseTool} /> : <ChosenTool form={form} />}
              {unknownTool && (
                <Alert color="red" title={`There is no tool “${wish.tool}” here`}>
                  The link names a tool that this installation does not have, or that you may not see. Choose another one:
                  <Box mt="sm">
                    <ToolChoice tools={form.tools.data} value={undefined} onChange={form.chooseTool} />
                  </Box>
                </Alert>
              )}
              {changing ? <Changing form={form} /> : <Summary form={form} />}
              {form.ignored.length > 0 && (
                <Text size="xs" c="dimmed">
                  Not a setting of this tool, left out: {form.ignored.join(", ")}
                </Text>
              )}
            </Stack>
          </Card>
          {!unknownTool && (
            <ProblemAlert error={form.error}>
              {asProblem(form.error).code === "identifier_unknown" && (
                <Text size="sm">
                  Look for it under another form among the <Anchor component={Link} to="/datasets">datasets</Anchor>, or register it there.
                </Text>
              )}
            </ProblemAlert>
          )}
          {!form.error && !chosenPlace(preview) && <PlaceNote preview={preview} pending={form.previewPending && Boolean(draft.tool)} />}
          {hasNeeded && !changing && (
            <Alert color="yellow" icon={<IconInfoCircle size={17} aria-hidden />}>
              This tool needs settings that the link does not give.
            </Alert>
          )}
          <Group justify="space-between">
            <Button variant="subtle" color="gray" onClick={toggle} aria-expanded={changing}>
              {changing ? "Fewer choices" : "Change something"}
            </Button>
            <Group gap="xs">
              <Button variant="default" onClick={() => void navigate("/datasets")}>
                Not now
              </Button>
              <Button type="submit" leftSection={<IconRocket size={16} aria-hidden />} loading={form.launching} disabled={!tool || form.needsData || Boolean(preview === undefined && form.error)}>
                {match ? "Launch another" : "Launch"}
              </Button>
            </Group>
          </Group>
        </Stack>
      </form>
    </Page>
  );
}

function ChosenTool({ form }: { form: LaunchForm }) {
  const { tool, spec, tools } = form;
  if (!tool) return tools.isPending ? <Skeleton h={44} /> : null;
  return (
    <Group wrap="nowrap" align="flex-start">
      <ToolIcon tool={tool} size={44} />
      <Box>
        <Group gap={8}>
          <Text fw={600} size="lg">
            {tool.title || tool.name}
          </Text>
          <Badge color="gray">{spec?.version}</Badge>
        </Group>
        <Text size="sm" c="dimmed">
          {tool.description}
        </Text>
      </Box>
    </Group>
  );
}

function Summary({ form }: { form: LaunchForm }) {
  const { data: me } = useQuery(meQuery);
  const { draft, preview, schema, previewPending } = form;
  const place = chosenPlace(preview);
  const settings = fieldsOf(schema).filter(([name]) => draft.settings[name] !== undefined);
  return (
    <Facts
      facts={[
        [
          "On",
          draft.identifiers.length === 0 ? (
            "no data"
          ) : (
            <Stack gap={6}>
              {draft.identifiers.map((identifier, index) => (
                <ChosenLine key={identifier} identifier={identifier} known={preview?.datasets[index]} />
              ))}
            </Stack>
          ),
        ],
        ["Where", previewPending ? <Skeleton h={16} w={160} /> : place && preview ? <WhereText key="where" preview={preview} site={place.site} /> : (draft.site ?? "not decided yet")],
        preview && ["With", sayWith(preview)],
        preview?.lifetime_s ? ["Ends", <EndsText key="ends" lifetimeS={preview.lifetime_s} />] : null,
        draft.labels && draft.labels.length > 0 ? ["On runners with", draft.labels.join(", ")] : null,
        draft.open ? ["Opens", <span className="mono">{draft.open}</span>] : null,
        ...settings.map(([name, field]): [string, string] => [labelOf(name, field), settingToText(draft.settings[name])]),
        me && ["As", me.account.display_name || me.account.name],
      ]}
    />
  );
}

function Changing({ form }: { form: LaunchForm }) {
  const { draft, schema, preview, tool } = form;
  return (
      <Stack>
        <ChosenData identifiers={draft.identifiers} preview={preview} isTask={tool?.kind === "task"} onChange={(identifiers) => form.change({ identifiers })} />
        <ClassChoice form={form} />
        {fieldsOf(schema).length > 0 && (
          <SchemaForm key={tool?.name} schema={schema ?? {}} value={draft.settings} onChange={(settings) => form.change({ settings })} faults={form.faults} />
        )}
        <AdvancedWishes form={form} />
        {draft.tool && <AsCommand lines={[launchCommand({ ...draft, tool: draft.tool, kind: tool?.kind })]} />}
      </Stack>
  );
}
