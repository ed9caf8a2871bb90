/** What everybody is told above every page: maintenance and other news of the installation. */
import { Alert, Stack } from "@mantine/core";
import { IconAlertTriangle, IconInfoCircle, IconTool } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { bannersQuery } from "@/api/notices";
import type { Banner } from "@/api/types";
import { formatMoment } from "@/lib/format";
import { useNow } from "@/lib/use-now";

const LOOKS = {
  info: { color: "accent", icon: IconInfoCircle },
  warning: { color: "yellow", icon: IconAlertTriangle },
  down: { color: "red", icon: IconTool },
} as const;

export function Banners() {
  const { data } = useQuery(bannersQuery);
  if (!data || data.length === 0) return null;
  return (
    <Stack gap="xs" mb="lg" maw="var(--alongside-content-width)" mx="auto" role="region" aria-label="Announcements">
      {data.map((banner) => (
        <BannerLine key={banner.id} banner={banner} />
      ))}
    </Stack>
  );
}

function BannerLine({ banner }: { banner: Banner }) {
  const now = useNow();
  const look = LOOKS[banner.level];
  const parts = [
    banner.site && `Concerns the site ${banner.site}.`,
    banner.no_launch_from &&
      (new Date(banner.no_launch_from).getTime() <= now ? "Nothing new is launched." : `Nothing new is launched from then on: ${formatMoment(banner.no_launch_from, now).replace(/^(at|on) /, "")}.`),
    banner.ends_at && `Until ${formatMoment(banner.ends_at, now).replace(/^(at|on) /, "")}.`,
  ].filter(Boolean);
  return (
    <Alert color={look.color} variant="light" icon={<look.icon size={18} aria-hidden />} py={8}>
      {banner.text} {parts.join(" ")}
    </Alert>
  );
}
