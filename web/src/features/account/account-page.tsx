/** The person's own account: profile, password, tokens, and how much of the quota is in use. */
import { Button, Grid, Group, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useRef } from "react";
import { useAskToConfirmMine, waysQuery } from "@/api/entering";
import { faultOf } from "@/api/problem";
import { meQuery, useChangePassword, useEditProfile } from "@/api/session";
import type { Me } from "@/api/types";
import { Facts } from "@/components/facts";
import { Page } from "@/components/page";
import { Panel, PanelRow } from "@/components/panel";
import { ProblemAlert } from "@/components/problem-alert";
import { QuotaMeters } from "@/components/quota-meters";
import { RowSkeletons } from "@/components/row-skeletons";
import { Section } from "@/components/section";
import { NoticesSection } from "./notices-section";
import { LeaveSection } from "./leave-section";
import { TokensSection } from "./tokens-section";

export function AccountPage() {
  const { data: me } = useQuery(meQuery);
  return (
    <Page title="Account" lead={me && `Signed in as ${me.account.name}`}>
      {me ? (
        <Grid gap="xl">
          <Grid.Col span={{ base: 12, md: 7 }}>
            <Stack gap="xl">
              <Profile me={me} />
              <NoticesSection />
              <TokensSection me={me} />
            </Stack>
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 5 }}>
            <Stack gap="xl">
              <Section title="Quota">
                <Panel>
                  <PanelRow>
                    <QuotaMeters quota={me.quota} />
                  </PanelRow>
                </Panel>
                <Text size="xs" c="dimmed" mt={6}>
                  What waits, starts or runs counts; what is stopped does not.
                </Text>
              </Section>
              <Section title="Access">
                <Facts
                  facts={[
                    ["Role", me.account.role],
                    ["May", me.scopes.join(", ")],
                    ["Tags", me.tags.length > 0 ? me.tags.join(", ") : "none beyond what everyone sees"],
                  ]}
                />
              </Section>
              {!me.account.guest && <Password name={me.account.name} />}
              <LeaveSection me={me} />
            </Stack>
          </Grid.Col>
        </Grid>
      ) : (
        <RowSkeletons label="Loading the account" />
      )}
    </Page>
  );
}

function Profile({ me }: { me: Me }) {
  const editing = useEditProfile();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    editing.mutate(
      { display_name: String(form.get("display_name")).trim(), email: String(form.get("email")).trim() || null },
      { onSuccess: () => notifications.show({ message: "Saved." }) },
    );
  };
  return (
    <Section title="Profile">
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput name="display_name" label="Display name" defaultValue={me.account.display_name} autoComplete="name" error={faultOf(editing.error, "display_name")} />
          <TextInput name="email" type="email" label="E-mail" defaultValue={me.account.email ?? ""} autoComplete="email" error={faultOf(editing.error, "email")} />
          <AddressStanding me={me} />
          <ProblemAlert error={editing.error} />
          <Group>
            <Button type="submit" variant="default" loading={editing.isPending}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  );
}

/** Whether the address is proven, and the letter that proves it, once more. */
function AddressStanding({ me }: { me: Me }) {
  const asking = useAskToConfirmMine();
  const { data: ways } = useQuery(waysQuery);
  if (!me.account.email) return null;
  if (me.account.email_verified) {
    return (
      <Text size="xs" c="dimmed">
        This address is confirmed.
      </Text>
    );
  }
  return (
    <Group gap="xs">
      <Text size="xs" c="dimmed">
        This address is not confirmed{asking.isSuccess ? "; a letter is on its way." : "."}
      </Text>
      {ways?.mail && !asking.isSuccess && (
        <Button size="compact-xs" variant="default" onClick={() => asking.mutate()} loading={asking.isPending}>
          Send the letter again
        </Button>
      )}
      <ProblemAlert error={asking.error} />
    </Group>
  );
}

function Password({ name }: { name: string }) {
  const changing = useChangePassword();
  const form = useRef<HTMLFormElement>(null);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    changing.mutate(
      { current: String(given.get("current")), new: String(given.get("new")) },
      {
        onSuccess: () => {
          form.current?.reset();
          notifications.show({ message: "The password is changed." });
        },
      },
    );
  };
  return (
    <Section title="Password">
      <form onSubmit={submit} ref={form}>
        <Stack gap="sm">
          <input type="text" name="username" autoComplete="username" defaultValue={name} hidden readOnly />
          <PasswordInput name="current" label="Current password" description="Leave empty if you have none yet." autoComplete="current-password" error={faultOf(changing.error, "current")} />
          <PasswordInput name="new" label="New password" autoComplete="new-password" required withAsterisk={false} error={faultOf(changing.error, "new")} />
          <ProblemAlert error={changing.error} />
          <Group>
            <Button type="submit" variant="default" loading={changing.isPending}>
              Change the password
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  );
}
