/** Where the run would go, or why no place takes it now, runner by runner. */
import { Alert, List, Skeleton, Text } from "@mantine/core";
import { IconClockHour4, IconMapPin } from "@tabler/icons-react";
import { useQueries } from "@tanstack/react-query";
import { resolveQuery } from "@/api/datasets";
import type { Preview } from "@/api/types";
import { withoutSite } from "@/lib/format";
import { EndsText, sayWith } from "./class-choice";

export function chosenPlace(preview: Preview | undefined) {
  return preview?.places.find((place) => place.ok);
}

/** The site, and whether the data is there already or has to come first. */
export function WhereText({ preview, site }: { preview: Preview; site: string }) {
  const resolved = useQueries({ queries: preview.datasets.map((dataset) => resolveQuery(dataset.identifier)) });
  const away = resolved.filter(({ data }) => data && !data.sites.some((there) => there.site === site && there.path_known)).length;
  const known = resolved.length > 0 && resolved.every(({ data }) => data);
  return (
    <>
      <b>{site}</b>
      {known && (away === 0 ? ", beside the data" : ", once the data is brought there")}
    </>
  );
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
          Runs at <WhereText preview={preview} site={place.site} /> with {sayWith(preview)}
          {preview.lifetime_s && (
            <>
              {", "}
              <EndsText lifetimeS={preview.lifetime_s} />
            </>
          )}
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
              <b>{refused.site}</b>: {withoutSite(refused.reason, refused.site)}
            </List.Item>
          ))}
        </List>
      )}
    </Alert>
  );
}
