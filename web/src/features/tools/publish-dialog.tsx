/** Publishes a tool version from pasted YAML; everything wrong with it is named at once, before and after. */
import { Alert, Button, Group, List, Modal, Stack, Text, Textarea } from "@mantine/core";
import { useDebouncedValue, useMediaQuery } from "@mantine/hooks";
import { IconCircleCheck } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { useNavigate } from "react-router";
import { usePublishTool, useValidateTool } from "@/api/tools";
import { ProblemAlert } from "@/components/problem-alert";

const TEMPLATE = `name: hello-lab
version: "1.0"
kind: interactive
title: Hello Lab
description: A notebook server, beside the data.
components:
  - name: main
    image: quay.io/jupyter/minimal-notebook:latest
    command: [jupyter, lab, --ip=0.0.0.0, "--port={port}", --no-browser, --IdentityProvider.token=]
    port: 8888
    probe: {type: http, path: /api}
resources: {cpus: 1, memory_gb: 2}
`;

export function PublishDialog({ source: given = TEMPLATE, onClose }: { source?: string; onClose: () => void }) {
  const navigate = useNavigate();
  const [source, setSource] = useState(given);
  const [settled] = useDebouncedValue(source, 500);
  const narrow = useMediaQuery("(max-width: 36em)");
  const { mutate: check, data: verdict, error: checkError } = useValidateTool();
  const publishing = usePublishTool();
  useEffect(() => {
    if (settled.trim()) check(settled);
  }, [check, settled]);
  const publish = () =>
    publishing.mutate(source, {
      onSuccess: (version) => {
        onClose();
        void navigate(`/tools/${version.spec.name}`);
      },
    });
  const faults = verdict?.ok === false ? verdict.faults : [];
  return (
    <Modal opened onClose={onClose} title="Publish a tool" size={760} fullScreen={narrow}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          YAML or JSON. A published version never changes; to change a tool, publish its next version.
        </Text>
        <Textarea
          label="Specification"
          value={source}
          onChange={(event) => {
            publishing.reset();
            setSource(event.currentTarget.value);
          }}
          autosize
          minRows={14}
          maxRows={26}
          spellCheck={false}
          data-autofocus
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)", fontSize: "0.8rem", lineHeight: 1.55 } }}
        />
        <div aria-live="polite">
          {faults.length > 0 && !publishing.error && (
            <Alert color="yellow" title={faults.length === 1 ? "One thing is wrong" : `${faults.length} things are wrong`}>
              <List size="sm" spacing={2}>
                {faults.map((fault) => (
                  <List.Item key={`${fault.field} ${fault.reason}`}>
                    {fault.field && <b className="mono">{fault.field}</b>} {fault.reason}
                  </List.Item>
                ))}
              </List>
            </Alert>
          )}
          {verdict?.ok && !publishing.error && (
            <Text size="sm" c="dimmed" style={{ display: "flex", gap: 6, alignItems: "center" }}>
              <IconCircleCheck size={16} aria-hidden /> Nothing wrong with it.
            </Text>
          )}
          {!publishing.error && <ProblemAlert error={checkError} title="It could not be read" />}
        </div>
        <ProblemAlert error={publishing.error} title="It was not published" />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button onClick={publish} loading={publishing.isPending} disabled={!source.trim()}>
            Publish
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
