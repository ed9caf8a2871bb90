/** Keys that work on every page; none of them fires while one types. */
import { useEffect } from "react";
import { useNavigate } from "react-router";

export const SHORTCUTS: readonly { keys: string[]; does: string }[] = [
  { keys: ["/"], does: "Search on this page, or among the datasets" },
  { keys: ["g", "d"], does: "Go to Datasets" },
  { keys: ["g", "t"], does: "Go to Tools" },
  { keys: ["g", "r"], does: "Go to Runs" },
  { keys: ["g", "a"], does: "Go to your account" },
  { keys: ["?"], does: "Show these shortcuts" },
  { keys: ["Esc"], does: "Close a dialog, clear the search" },
];

const GO: Record<string, string> = { d: "/datasets", t: "/tools", r: "/runs", a: "/account" };
/** How long `g` waits for the second key. */
const PAIR_MS = 1_200;

export function useShortcuts(showHelp: () => void) {
  const navigate = useNavigate();
  useEffect(() => {
    let pressedGoAt = -PAIR_MS;
    const onKey = (event: KeyboardEvent) => {
      if (event.metaKey || event.ctrlKey || event.altKey || isTyping(event.target) || isDialogOpen()) return;
      const target = GO[event.key];
      if (target && event.timeStamp - pressedGoAt < PAIR_MS) {
        event.preventDefault();
        pressedGoAt = -PAIR_MS;
        void navigate(target);
      } else if (event.key === "g") {
        pressedGoAt = event.timeStamp;
      } else if (event.key === "?") {
        event.preventDefault();
        showHelp();
      } else if (event.key === "/") {
        event.preventDefault();
        const field = document.querySelector<HTMLInputElement>("input[data-search-field]");
        if (!field) void navigate("/datasets");
        field?.focus();
        field?.select();
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [navigate, showHelp]);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName));
}

function isDialogOpen(): boolean {
  return document.querySelector('[role="dialog"][aria-modal="true"]') !== null;
}
