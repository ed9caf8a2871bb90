/** Sites with their runners: capacity, what each runs, and the invitations by which runners join. */
import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconPlus, IconServer } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { useLiveConnection } from "@/api/hints";
import { sitesQuery, useCreateSite } from "@/api/sites";
import type { Site } from "@/api/types";
import { EmptyState } from "@/components/empty-state";
import { Panel, PanelRow } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { RowSkeletons } from "@/components/row-skeletons";
import { Section } from "@/components/section";
import { InviteDialog } from "./invite-dialog";
import { RunnerRow } from "./runner-row";
import { SiteClasses } from "./site-classes";
import { SiteImages } from "./site-images";

export function SitesTab() {
  const live = useLiveConnection();
  const { data: sites, error, refetch } = useQuery({ ...sitesQuery, refetchInterval: live ? 15_000 : 5_000 });
  const [creating, create] = useDisclosure(false);
  if (error) return <ProblemAlert error={error} retry={() => void refetch()} />;
  if (!sites) return <RowSkeletons label="Loading sites" />;
  return (
    <Stack gap="xl">
      {sites.map((site) => (
        <SiteSection key={site.id} site={site} />
      ))}
      {sites.length === 0 && (
        <EmptyState icon={<IconServer size={36} stroke={1.3} />} title="No sites yet">
          A site is a place with data and compute. Its runner dials out to this hub, so nothing has to be opened in a firewall.
        </EmptyState>
      )}
      <Group>
        <Button variant="default" leftSection={<IconPlus size={16} aria-hidden />} onClick={create.open}>
          Add a site
        </Button>
      </Group>
      {creating && <NewSite onClose={create.close} />}
    </Stack>
  );
}

function SiteSection({ site }: { site: Site }) {
  const [inviting, invite] = useDisclosure(false);
  return (
    <Section
      title={site.title || site.name}
      aside={
        <Button size="xs" variant="default" onClick={invite.open} aria-label={`Invite a runner to ${site.title || site.name}`}>
          Invite a runner
        </Button>
      }
    >
      <Text size="sm" c="dimmed" mt={-6} mb="xs">
        {[site.title && site.title !== site.name ? site.name : "", site.description, site.edge_url.replace("{run}", "‹run›")].filter(Boolean).join(" · ")}
        {!site.enabled && " · switched off"}
      </Text>
      <Panel>
        {site.runners.map((runner) => (
          <PanelRow key={runner.id}>
            <RunnerRow runner={runner} />
          </PanelRow>
        ))}
        {site.runners.length === 0 && (
          <PanelRow>
            <Text size="sm" c="dimmed">
              No runner yet: nothing can run here. Invite one and start it at the site.
            </Text>
          </PanelRow>
        )}
      </Panel>
      <SiteClasses site={site} />
      <SiteImages site={site} />
      {inviting && <InviteDialog site={site} onClose={invite.close} />}
    </Section>
  );
}

function NewSite({ onClose }: { onClose: () => void }) {
  const creating = useCreateSite();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name)).trim();
    creating.mutate(
      { name: text("name"), title: text("title"), description: text("description"), ...(text("edge_url") && { edge_url: text("edge_url") }) },
      { onSuccess: onClose },
    );
  };
  return (
    <Modal opened onClose={onClose} title="Add a site">
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput name="name" label="Name" description="Short, lower-case; it does not change later." placeholder="sdsc" required withAsterisk={false} data-autofocus />
          <TextInput name="title" label="Title" placeholder="San Diego Supercomputer Center" />
          <TextInput name="description" label="Description" />
          <TextInput name="edge_url" label="Address of its tools" placeholder="https://{run}.tools.example.org" description="Where browsers reach runs at this site; {run} stands for the run." />
          <ProblemAlert error={creating.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={creating.isPending}>
              Add
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
