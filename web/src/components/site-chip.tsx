/** A site's name with a dot: whether anything there can run now. */
import { Tooltip } from "@mantine/core";
import type { Site } from "@/api/types";
import { plural } from "@/lib/format";
import classes from "./site-chip.module.css";

export function SiteChip({ name, site, detail }: { name: string; site: Site | undefined; detail?: string }) {
  const online = site?.runners.filter((runner) => runner.state === "online").length ?? 0;
  const state = !site ? "a site that you cannot see" : !site.enabled ? "switched off" : online > 0 ? `${plural(online, "runner")} online` : "no runner online";
  return (
    <Tooltip label={detail ? `${state} · ${detail}` : state}>
      <span className={classes.chip} data-online={online > 0 && site?.enabled !== false}>
        <span className={classes.dot} aria-hidden />
        {site?.title || name}
      </span>
    </Tooltip>
  );
}
