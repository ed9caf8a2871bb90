/** Who is signed in, and what they can do about it: account, appearance, shortcuts, sign-out. */
import { Avatar, Box, Group, Menu, SegmentedControl, Text, UnstyledButton, useMantineColorScheme, type MantineColorScheme } from "@mantine/core";
import { IconBook2, IconChartBar, IconHome, IconKeyboard, IconLogout, IconSchool, IconSelector, IconUser } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "react-router";
import { classGroupsQuery } from "@/api/classroom";
import { useSignOut } from "@/api/session";
import type { Me } from "@/api/types";

export function AccountMenu({ me, onShortcuts, compact }: { me: Me; onShortcuts: () => void; compact?: boolean }) {
  const client = useQueryClient();
  const signOut = useSignOut();
  const { data: groups } = useQuery(classGroupsQuery);
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const shownName = me.account.display_name || me.account.name;
  // Everything cached belongs to the person who leaves; a fresh page is the surest way to forget it.
  const leave = () =>
    signOut.mutate(undefined, {
      onSettled: () => {
        client.clear();
        globalThis.location.assign("/sign-in");
      },
    });
  return (
    <Menu width={230} position={compact ? "bottom-end" : "top-start"} withinPortal>
      <Menu.Target>
        <UnstyledButton p={6} w={compact ? undefined : "100%"} style={{ borderRadius: "var(--mantine-radius-md)" }} aria-label={`Account menu of ${shownName}`}>
          <Group gap={8} wrap="nowrap">
            <Avatar size={28} radius="xl" color="accent" name={shownName} aria-hidden />
            {!compact && (
              <>
                <Box style={{ flex: 1, minWidth: 0 }}>
                  <Text size="sm" fw={550} className="clip">
                    {shownName}
                  </Text>
                </Box>
                <IconSelector size={15} aria-hidden opacity={0.6} />
              </>
            )}
          </Group>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {me.account.name} · {me.account.role}
        </Menu.Label>
        <Menu.Item component={Link} to="/account" leftSection={<IconUser size={16} aria-hidden />}>
          Account
        </Menu.Item>
        <Menu.Item component={Link} to="/homes" leftSection={<IconHome size={16} aria-hidden />}>
          Homes
        </Menu.Item>
        <Menu.Item component={Link} to="/usage" leftSection={<IconChartBar size={16} aria-hidden />}>
          Usage
        </Menu.Item>
        {groups && groups.length > 0 && (
          <Menu.Item component={Link} to={groups.length === 1 && groups[0] ? `/classes/${groups[0].id}` : "/classes"} leftSection={<IconSchool size={16} aria-hidden />}>
            Classes
          </Menu.Item>
        )}
        <Menu.Item component="a" href="/api/v1/docs" target="_blank" rel="noopener" leftSection={<IconBook2 size={16} aria-hidden />}>
          API
        </Menu.Item>
        <Menu.Item leftSection={<IconKeyboard size={16} aria-hidden />} rightSection={<kbd>?</kbd>} onClick={onShortcuts}>
          Keyboard shortcuts
        </Menu.Item>
        <Menu.Divider />
        <Box px={8} py={4}>
          <SegmentedControl
            fullWidth
            size="xs"
            aria-label="Appearance"
            value={colorScheme}
            onChange={(value) => setColorScheme(value as MantineColorScheme)}
            data={[
              { value: "light", label: "Light" },
              { value: "dark", label: "Dark" },
              { value: "auto", label: "System" },
            ]}
          />
        </Box>
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={leave}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
