/** The frame around every page: navigation, the account, live updates, shortcuts, the launch dialog. */
import { AppShell, Group, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconDatabase, IconFolder, IconPlayerPlay, IconSettings, IconTool, IconUser, type Icon } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Suspense, lazy, useState } from "react";
import { Link, NavLink, Outlet, ScrollRestoration } from "react-router";
import { useEventStream } from "@/api/hints";
import { meQuery } from "@/api/session";
import type { Me } from "@/api/types";
import { Banners } from "@/components/banners";
import { BrandMark } from "@/components/brand-mark";
import { Bell } from "@/features/notices/bell";
import type { LaunchWish } from "@/lib/launch-link";
import { LauncherContext } from "@/lib/launcher";
import { AccountMenu } from "./account-menu";
import { ConnectionNote } from "./connection-note";
import classes from "./shell.module.css";
import { ShortcutsDialog } from "./shortcuts-dialog";
import { useShortcuts } from "./use-shortcuts";
import { WhoseBar } from "./whose-bar";

const LaunchDialog = lazy(async () => ({ default: (await import("@/features/launch/launch-dialog")).LaunchDialog }));

interface Place {
  to: string;
  label: string;
  icon: Icon;
}

const PLACES: Place[] = [
  { to: "/datasets", label: "Datasets", icon: IconDatabase },
  { to: "/tools", label: "Tools", icon: IconTool },
  { to: "/runs", label: "Runs", icon: IconPlayerPlay },
  { to: "/files", label: "Files", icon: IconFolder },
];
const ADMIN: Place = { to: "/admin", label: "Admin", icon: IconSettings };
const ACCOUNT: Place = { to: "/account", label: "Account", icon: IconUser };

export function Shell() {
  const { data: me } = useQuery(meQuery);
  const [wish, setWish] = useState<Partial<LaunchWish> | null>(null);
  const [helpShown, help] = useDisclosure(false);
  useEventStream();
  useShortcuts(help.open);
  if (!me) return null;
  const places = isAdmin(me) ? [...PLACES, ADMIN] : PLACES;
  return (
    <LauncherContext value={setWish}>
      <a className="skip-link" href="#content">
        Skip to the content
      </a>
      <AppShell
        layout="alt"
        header={{ height: { base: 52, sm: 0 } }}
        navbar={{ width: 216, breakpoint: "sm", collapsed: { mobile: true } }}
        footer={{ height: { base: 58, sm: 0 } }}
        padding={{ base: "md", sm: "xl" }}
      >
        <AppShell.Header hiddenFrom="sm" px="md">
          <Group h="100%" justify="space-between">
            <Brand />
            <Group gap={4}>
              <Bell />
              <AccountMenu me={me} onShortcuts={help.open} compact />
            </Group>
          </Group>
        </AppShell.Header>
        <AppShell.Navbar className={classes.navbar} p="sm" visibleFrom="sm" aria-label="Main">
          <AppShell.Section px={6} pt={4} pb="md">
            <Group justify="space-between" wrap="nowrap">
              <Brand />
              <Bell />
            </Group>
          </AppShell.Section>
          <AppShell.Section grow>
            {places.map((place) => (
              <NavLink key={place.to} to={place.to} className={classes.link}>
                <place.icon size={18} stroke={1.7} aria-hidden />
                {place.label}
                {place.to === "/runs" && me.quota.running.used > 0 && (
                  <Text span className={`${classes.count} numbers`} aria-label={`${me.quota.running.used} active`}>
                    {me.quota.running.used}
                  </Text>
                )}
              </NavLink>
            ))}
          </AppShell.Section>
          <AppShell.Section>
            <ConnectionNote />
            <AccountMenu me={me} onShortcuts={help.open} />
          </AppShell.Section>
        </AppShell.Navbar>
        <AppShell.Main id="content" className={classes.main} tabIndex={-1} style={{ outline: "none" }}>
          <Banners />
          <WhoseBar me={me} />
          <Outlet />
        </AppShell.Main>
        <AppShell.Footer hiddenFrom="sm">
          <nav className={classes.tabs} aria-label="Main">
            {[...PLACES, isAdmin(me) ? ADMIN : ACCOUNT].map((place) => (
              <NavLink key={place.to} to={place.to} className={classes.tab}>
                <place.icon size={20} stroke={1.7} aria-hidden />
                {place.label}
              </NavLink>
            ))}
          </nav>
        </AppShell.Footer>
      </AppShell>
      <Suspense>{wish && <LaunchDialog wish={wish} onClose={() => setWish(null)} />}</Suspense>
      <ShortcutsDialog opened={helpShown} onClose={help.close} />
      <ScrollRestoration />
    </LauncherContext>
  );
}

function Brand() {
  return (
    <Link to="/datasets" className={classes.brand}>
      <BrandMark />
      Alongside
    </Link>
  );
}

function isAdmin(me: Me): boolean {
  return me.account.role === "admin" && me.scopes.includes("admin");
}
