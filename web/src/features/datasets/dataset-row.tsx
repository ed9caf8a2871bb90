/** One dataset of the list: what it is, where it lies, and the buttons beside it. */
import { Box, Text } from "@mantine/core";
import { Link } from "react-router";
import type { Dataset, Run, Site } from "@/api/types";
import { SiteChip } from "@/components/site-chip";
import { formatBytes } from "@/lib/format";
import { DatasetButtons } from "./dataset-buttons";
import classes from "./dataset-row.module.css";

interface DatasetRowProps {
  dataset: Dataset;
  sites: readonly Site[] | undefined;
  run: Run | undefined;
}

export function DatasetRow({ dataset, sites, run }: DatasetRowProps) {
  const places = [...new Set(dataset.locations.map((location) => location.site).filter((name) => name !== null && name !== undefined))];
  const urls = dataset.locations.filter((location) => location.url).length;
  return (
    <div role="listitem" className={classes.row}>
      <Box style={{ minWidth: 0 }}>
        <Link to={`/datasets/${dataset.id}`} className="plain">
          <Text fw={550} span style={{ overflowWrap: "anywhere" }}>
            {dataset.title}
          </Text>
        </Link>
        <div className={classes.about}>
          {dataset.identifiers[0] && <span className="mono">{dataset.identifiers[0].display}</span>}
          <span className="numbers">{formatBytes(dataset.size_bytes)}</span>
          <span className={classes.sites}>
            {places.map((name) => (
              <SiteChip key={name} name={name} site={sites?.find((site) => site.name === name)} />
            ))}
            {places.length === 0 && urls > 0 && <span>by download</span>}
          </span>
        </div>
      </Box>
      <DatasetButtons dataset={dataset} run={run} />
    </div>
  );
}
