/** The bell: how much is unread, and the inbox behind it. */
import { ActionIcon, Indicator, Tooltip } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconBell } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Suspense, lazy } from "react";
import { unreadQuery } from "@/api/notices";
import { plural } from "@/lib/format";

const InboxDrawer = lazy(async () => ({ default: (await import("./inbox-drawer")).InboxDrawer }));
const MOST_SHOWN = 99;

export function Bell() {
  const { data } = useQuery(unreadQuery);
  const [opened, { open, close }] = useDisclosure(false);
  const unread = data?.unread ?? 0;
  const label = unread > 0 ? `Notices: ${unread} unread` : "Notices";
  return (
    <>
      <Tooltip label={unread > 0 ? plural(unread, "unread notice") : "Notices"}>
        <Indicator label={unread > MOST_SHOWN ? `${MOST_SHOWN}+` : unread} size={16} offset={8} disabled={unread === 0} color="accent">
          <ActionIcon variant="subtle" color="gray" size={36} radius="md" aria-label={label} onClick={open}>
            <IconBell size={19} stroke={1.7} aria-hidden />
          </ActionIcon>
        </Indicator>
      </Tooltip>
      <Suspense>{opened && <InboxDrawer onClose={close} />}</Suspense>
    </>
  );
}
