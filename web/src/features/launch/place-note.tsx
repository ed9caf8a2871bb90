/** Where the run would go, or why no place takes it now, runner by runner. */
import { Alert, List, Skeleton, Text } from "@mantine/core";
import { IconClockHour4, IconMapPin } from "@tabler/icons-react";
import type { Preview } from "@/api/types";
import { formatResources } from "@/lib/format";

export function chosenPlace(preview: Preview | undefined) {
  return preview?.places.find((place) => place.ok);
}

export function PlaceNote({ preview, pending }: { preview: Preview | undefined; pending: boolean }) {
  if (pending) return <Skeleton h={20} w="70%" aria-label="Asking where this can run" />;
  if (!preview) return null;
  const place = chosenPlace(preview);
  if (place) {
    return (
      <Text size="sm" c="dimmed" style={{ display: "flex", gap: 6, alignItems: "center" }}>
        <IconMapPin size={15} aria-hidden />
        <span>
          Runs at <b>{place.site}</b> with {formatResources(preview.resources)}
          {preview.datasets.length > 0 && ", beside the data"}
        </span>
      </Text>
    );
  }
  return (
    <Alert color="yellow" icon={<IconClockHour4 size={17} aria-hidden />} title="No place can take this right now">
      {preview.places.length === 0 ? (
        <Text size="sm">No runner is connected. The run waits until one is.</Text>
      ) : (
        <List size="sm" spacing={2}>
          {preview.places.map((refused) => (
            <List.Item key={`${refused.site} ${refused.runner}`}>
              <b>{refused.site}</b>: {refused.reason}
            </List.Item>
          ))}
        </List>
      )}
    </Alert>
  );
}
