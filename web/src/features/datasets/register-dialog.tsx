/** Registers a dataset in one step: where its files are, and what it is called. */
import { Button, Checkbox, Group, Modal, SegmentedControl, Select, Stack, TagsInput, Text, Textarea, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useNavigate } from "react-router";
import { useRegisterDataset } from "@/api/datasets";
import { faultOf } from "@/api/problem";
import type { Site } from "@/api/types";
import { ProblemAlert } from "@/components/problem-alert";

interface RegisterDialogProps {
  opened: boolean;
  onClose: () => void;
  sites: readonly Site[];
}

export function RegisterDialog({ opened, onClose, sites }: RegisterDialogProps) {
  const navigate = useNavigate();
  const registering = useRegisterDataset();
  const [where, setWhere] = useState<"site" | "url">("site");
  const [site, setSite] = useState<string | null>(null);
  const [identifiers, setIdentifiers] = useState<string[]>([]);
  const [creators, setCreators] = useState<string[]>([]);
  const chosenSite = site ?? sites[0]?.name ?? null;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    const location = where === "site" ? { site: chosenSite ?? "", path: text("path") } : { url: text("url") };
    registering.mutate(
      {
        title: text("title") || undefined,
        description: text("description") || undefined,
        identifiers: identifiers.length ? identifiers : undefined,
        creators: creators.length ? creators : undefined,
        locations: [location],
        may_leave: form.get("may_leave") === "on",
      },
      {
        onSuccess: (dataset) => {
          onClose();
          void navigate(`/datasets/${dataset.id}`);
        },
      },
    );
  };
  const fault = (name: string) => faultOf(registering.error, name);
  return (
    <Modal opened={opened} onClose={onClose} title="Register a dataset" size="lg">
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Text size="sm" c="dimmed">
            The files stay where they are. Tools get them read-only, in place.
          </Text>
          <SegmentedControl
            aria-label="Where the files are"
            value={where}
            onChange={(value) => setWhere(value as "site" | "url")}
            data={[
              { value: "site", label: "A folder or file at a site" },
              { value: "url", label: "A web address" },
            ]}
          />
          {where === "site" ? (
            <Group align="flex-start" grow preventGrowOverflow={false} wrap="wrap">
              <Select
                label="Site"
                data={sites.map((known) => ({ value: known.name, label: known.title || known.name }))}
                value={chosenSite}
                onChange={setSite}
                allowDeselect={false}
                error={fault("locations[0].site")}
                w={160}
              />
              <TextInput
                name="path"
                label="Path at the site"
                placeholder="/data/lidar/autzen"
                description="Below a folder that the site opens (runner.data_roots)"
                inputWrapperOrder={["label", "input", "description", "error"]}
                required
                error={fault("locations[0].path")}
                style={{ flex: "1 1 14rem" }}
              />
            </Group>
          ) : (
            <TextInput name="url" type="url" label="Address" placeholder="https://example.org/data/autzen.laz" required error={fault("locations[0].url")} />
          )}
          <TextInput name="title" label="Title" placeholder="Taken from the file's name if left empty" error={fault("title")} />
          <TagsInput
            label="Identifiers"
            description="Any form of a DOI, Handle, ARK, URN or URL. Without one, a local identifier is made."
            placeholder={identifiers.length ? undefined : "doi:10.5072/autzen"}
            value={identifiers}
            onChange={setIdentifiers}
            acceptValueOnBlur
            error={fault("identifiers[0]") ?? fault("identifiers")}
          />
          <TagsInput label="Creators" value={creators} onChange={setCreators} acceptValueOnBlur />
          <Textarea name="description" label="Description" autosize minRows={2} />
          <Checkbox name="may_leave" label="Copies may go to other sites" description="Otherwise tools come to this data, and it goes nowhere." />
          <ProblemAlert error={registering.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={registering.isPending}>
              Register
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
