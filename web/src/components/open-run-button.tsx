/** Opens a ready run in a tab of its own, within the click itself so that no browser takes it for a pop-up. */
import { Button, type ButtonProps } from "@mantine/core";
import { IconExternalLink } from "@tabler/icons-react";
import type { Ref } from "react";
import type { Run } from "@/api/types";

interface OpenRunButtonProps extends ButtonProps {
  run: Pick<Run, "id" | "title" | "open_url" | "tool">;
  label?: string;
  ref?: Ref<HTMLButtonElement>;
}

export function OpenRunButton({ run, label = "Open", ref, ...button }: OpenRunButtonProps) {
  return (
    <Button
      ref={ref}
      leftSection={<IconExternalLink size={16} aria-hidden />}
      aria-label={`${label} ${run.title || run.tool} in a new tab`}
      {...button}
      onClick={() => openRun(run)}
    >
      {label}
    </Button>
  );
}

export function openRun(run: Pick<Run, "id" | "open_url">) {

  const tab = globalThis.open(run.open_url ?? `/open/${run.id}`, "_blank");
  if (tab) tab.opener = null; // a tool never gets hold of the page that opened it
}
