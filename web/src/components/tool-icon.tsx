/** A tool's sign: one that we know by name, otherwise its first letter. Never an address: pages load nothing from elsewhere. */
import { Box } from "@mantine/core";
import {
  IconBrandPython, IconChartDots3, IconChartHistogram, IconCode, IconDatabase, IconMap2, IconNotebook, IconPhoto, IconTerminal2, type Icon,
} from "@tabler/icons-react";
import { createElement } from "react";

const ICONS: Record<string, Icon> = {
  jupyter: IconNotebook,
  jupyterlab: IconNotebook,
  notebook: IconNotebook,
  terminal: IconTerminal2,
  shell: IconTerminal2,
  "point-cloud": IconChartDots3,
  pointcloud: IconChartDots3,
  points: IconChartDots3,
  chart: IconChartHistogram,
  code: IconCode,
  database: IconDatabase,
  map: IconMap2,
  python: IconBrandPython,
  image: IconPhoto,
};

export function ToolIcon({ tool, size = 36 }: { tool: { name: string; title: string; icon?: string }; size?: number }) {
  const known = ICONS[(tool.icon ?? "").toLowerCase()] ?? ICONS[tool.name] ?? wordIn(tool.name);
  return (
    <Box
      aria-hidden
      w={size}
      h={size}
      c="var(--mantine-primary-color-light-color)"
      bg="var(--mantine-primary-color-light)"
      style={{ display: "grid", placeItems: "center", borderRadius: "var(--mantine-radius-md)", fontWeight: 650, flex: "none", fontSize: size * 0.42 }}
    >
      {known ? createElement(known, { size: size * 0.56, stroke: 1.6 }) : (tool.title || tool.name).charAt(0).toUpperCase()}
    </Box>
  );
}

function wordIn(name: string): Icon | undefined {
  const found = Object.keys(ICONS).find((known) => name.includes(known));
  return found ? ICONS[found] : undefined;
}
