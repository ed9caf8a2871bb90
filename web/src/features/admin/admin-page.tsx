/** What administrators look after: sites and runners, people, groups, access tags. */
import { Group, Tabs, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "react-router";
import { statusQuery } from "@/api/sites";
import { meQuery } from "@/api/session";
import { EmptyState } from "@/components/empty-state";
import { Page } from "@/components/page";
import { plural } from "@/lib/format";
import { AccountClassesTab } from "./account-classes-tab";
import { BannersTab } from "./banners-tab";
import { GroupsTab } from "./groups-tab";
import { PeopleTab } from "./people-tab";
import { SitesTab } from "./sites-tab";
import { TagsTab } from "./tags-tab";

const SECTIONS = ["sites", "people", "groups", "classes", "tags", "announcements"] as const;

export function AdminPage() {
  const { section } = useParams();
  const navigate = useNavigate();
  const { data: me } = useQuery(meQuery);
  if (me && me.account.role !== "admin") {
    return <EmptyState title="Only for administrators">Ask one of them if something here should change.</EmptyState>;
  }
  return (
    <Page title="Admin" lead={<StatusLine />}>
      <Tabs
        value={SECTIONS.find((known) => known === section) ?? "sites"}
        onChange={(value) => void navigate(value === "sites" ? "/admin" : `/admin/${value}`)}
        keepMounted={false}
      >
        <Tabs.List mb="lg">
          <Tabs.Tab value="sites">Sites</Tabs.Tab>
          <Tabs.Tab value="people">People</Tabs.Tab>
          <Tabs.Tab value="groups">Groups</Tabs.Tab>
          <Tabs.Tab value="classes">Account classes</Tabs.Tab>
          <Tabs.Tab value="tags">Tags</Tabs.Tab>
          <Tabs.Tab value="announcements">Announcements</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="sites">
          <SitesTab />
        </Tabs.Panel>
        <Tabs.Panel value="people">
          <PeopleTab />
        </Tabs.Panel>
        <Tabs.Panel value="groups">
          <GroupsTab />
        </Tabs.Panel>
        <Tabs.Panel value="classes">
          <AccountClassesTab />
        </Tabs.Panel>
        <Tabs.Panel value="tags">
          <TagsTab />
        </Tabs.Panel>
        <Tabs.Panel value="announcements">
          <BannersTab />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}

function StatusLine() {
  const { data: status } = useQuery({ ...statusQuery, refetchInterval: 15_000 });
  if (!status) return <>&nbsp;</>;
  return (
    <Group gap="2px var(--mantine-spacing-md)">
      <Text span>Alongside {status.version}</Text>
      <Text span>
        {plural(status.runners.online, "runner")} online{status.runners.offline > 0 && `, ${status.runners.offline} offline`}
      </Text>
      <Text span>
        {status.queue.running} running, {status.queue.queued} waiting
      </Text>
      {!status.dispatcher.alive && (
        <Text span c="red" fw={550}>
          The dispatcher does not answer: nothing is placed until it does
        </Text>
      )}
    </Group>
  );
}
