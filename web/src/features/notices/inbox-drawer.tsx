/** The inbox: the newest notices, each leading to what it is about. */
import { Box, Button, Drawer, Group, Stack, Text, UnstyledButton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "react-router";
import { inboxQuery, useMarkRead } from "@/api/notices";
import type { Notice } from "@/api/types";
import { EmptyState } from "@/components/empty-state";
import { ProblemAlert } from "@/components/problem-alert";
import { RowSkeletons } from "@/components/row-skeletons";
import { TimeAgo } from "@/components/time-ago";
import classes from "./inbox.module.css";

export function InboxDrawer({ onClose }: { onClose: () => void }) {
  const { data, error, refetch } = useQuery(inboxQuery);
  const reading = useMarkRead();
  const navigate = useNavigate();
  const follow = (notice: Notice) => {
    if (!notice.read_at) reading.mutate([notice.id]);
    if (!notice.link) return;
    void navigate(notice.link);
    onClose();
  };
  const notices = data?.items ?? [];
  return (
    <Drawer opened onClose={onClose} position="right" size="26rem" title="Notices" closeButtonProps={{ "aria-label": "Close the notices" }}>
      <Stack gap="sm">
        <Group justify="space-between" gap="xs">
          <Button variant="default" size="xs" disabled={!notices.some((notice) => !notice.read_at)} loading={reading.isPending} onClick={() => reading.mutate(null)}>
            Mark all as read
          </Button>
          <Button variant="subtle" size="xs" component={Link} to="/account#notices" onClick={onClose}>
            Settings
          </Button>
        </Group>
        <ProblemAlert error={error ?? reading.error} retry={() => void refetch()} />
        {!data && !error && <RowSkeletons label="Loading the notices" />}
        {data && notices.length === 0 && <EmptyState title="Nothing yet">What fails, ends soon or waits for you is told here.</EmptyState>}
        <Box component="ul" className={classes.list}>
          {notices.map((notice) => (
            <li key={notice.id}>
              <UnstyledButton className={classes.notice} data-unread={!notice.read_at || undefined} onClick={() => follow(notice)}>
                <Group justify="space-between" gap="xs" wrap="nowrap" align="flex-start">
                  <Text size="sm" fw={notice.read_at ? 450 : 600} style={{ overflowWrap: "anywhere" }}>
                    {notice.title}
                    {notice.count > 1 && ` (and ${notice.count - 1} more)`}
                  </Text>
                  <Text size="xs" c="dimmed" span>
                    <TimeAgo at={notice.created_at} />
                  </Text>
                </Group>
                {notice.body && (
                  <Text size="xs" c="dimmed" style={{ whiteSpace: "pre-line", overflowWrap: "anywhere" }}>
                    {notice.body}
                  </Text>
                )}
              </UnstyledButton>
            </li>
          ))}
        </Box>
      </Stack>
    </Drawer>
  );
}
