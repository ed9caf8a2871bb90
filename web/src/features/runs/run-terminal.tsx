/** One terminal with a shell in a run behind it. Loaded only when somebody opens one. */
import { Button, Group, Text, useComputedColorScheme } from "@mantine/core";
import { FitAddon } from "@xterm/addon-fit";
import { Terminal, type ITheme } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { useEffect, useRef, useState } from "react";
import { asProblem } from "@/api/problem";
import { openShell, type ShellConnection } from "@/api/shells";
import classes from "./run-shell.module.css";

const LIGHT: ITheme = {
  background: "#fbfcfc",
  foreground: "#1d2529",
  cursor: "#1d2529",
  cursorAccent: "#fbfcfc",
  selectionBackground: "#b9d7e6",
  brightBlack: "#5c676d",
  yellow: "#8a6100",
  brightYellow: "#8a6100",
  white: "#5c676d",
  brightWhite: "#1d2529",
  green: "#1a7a37",
  brightGreen: "#1a7a37",
  cyan: "#0b7285",
  brightCyan: "#0b7285",
};
const DARK: ITheme = { background: "#0c1013", foreground: "#d5dde1", cursor: "#d5dde1", cursorAccent: "#0c1013", selectionBackground: "#31505f" };

interface Ending {
  why: string;
  exitCode: number | null;
}

export default function RunTerminal({ run, label, hidden, onClose }: { run: string; label: string; hidden: boolean; onClose: () => void }) {
  const [again, setAgain] = useState(0);
  const [ending, setEnding] = useState<Ending | null>(null);
  const restart = () => {
    setEnding(null);
    setAgain(again + 1);
  };
  return (
    <div hidden={hidden}>
      <Screen key={again} run={run} label={label} hidden={hidden} onEnd={setEnding} />
      {ending && (
        <Group className={classes.bar} role="status">
          <Text size="xs">{ending.exitCode === null ? ending.why : `The shell has ended (exit code ${ending.exitCode}).`}</Text>
          <Group gap="xs">
            <Button size="compact-xs" variant="default" onClick={restart}>
              {ending.exitCode === null ? "Connect again" : "New shell"}
            </Button>
            <Button size="compact-xs" variant="subtle" onClick={onClose}>
              Close
            </Button>
          </Group>
        </Group>
      )}
    </div>
  );
}

function Screen({ run, label, hidden, onEnd }: { run: string; label: string; hidden: boolean; onEnd: (ending: Ending) => void }) {
  const box = useRef<HTMLDivElement>(null);
  const shown = useRef<{ terminal: Terminal; fit: FitAddon } | null>(null);
  const told = useRef(onEnd);
  const dark = useComputedColorScheme("light") === "dark";
  const theme = useRef(dark ? DARK : LIGHT);
  useEffect(() => {
    told.current = onEnd;
  });
  useEffect(() => {
    if (!box.current) return;
    const terminal = new Terminal({
      cursorBlink: true,
      fontSize: 13,
      fontFamily: getComputedStyle(box.current).fontFamily,
      theme: theme.current,
      scrollback: 10_000,
      screenReaderMode: true,
    });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    const place = box.current;
    withNonce(() => terminal.open(place));
    fit.fit();
    terminal.textarea?.setAttribute("aria-label", label);
    shown.current = { terminal, fit };
    let connection: ShellConnection | null = null;
    let gone = false;
    const watch = new ResizeObserver(() => {
      if (box.current?.offsetParent) fit.fit();
    });
    watch.observe(box.current);
    terminal.onData((text) => connection?.send(text));
    terminal.onResize(({ cols, rows }) => connection?.resize(cols, rows));
    const listener = {
      opened: () => terminal.focus(),
      output: (data: Uint8Array) => terminal.write(data),
      ended: (why: string, exitCode: number | null) => {
        if (!gone) told.current({ why, exitCode });
      },
    };
    openShell(run, terminal.cols, terminal.rows, listener).then(
      (made) => {
        if (gone) made.close();
        else connection = made;
      },
      (error: unknown) => listener.ended(asProblem(error).message, null),
    );
    return () => {
      gone = true;
      watch.disconnect();
      connection?.close();
      terminal.dispose();
      shown.current = null;
    };
  }, [run, label]);
  useEffect(() => {
    theme.current = dark ? DARK : LIGHT;
    if (shown.current) shown.current.terminal.options.theme = theme.current;
  }, [dark]);
  useEffect(() => {
    if (hidden || !shown.current) return;
    shown.current.fit.fit();
    shown.current.terminal.focus();
  }, [hidden]);
  return <div ref={box} className={classes.screen} />;
}

/** Styles that are added meanwhile get the page's nonce, without which its policy leaves them out. */
function withNonce(work: () => void) {
  const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
  const create = document.createElement.bind(document) as (tag: string, options?: ElementCreationOptions) => HTMLElement;
  document.createElement = ((tag: string, options?: ElementCreationOptions) => {
    const made = create(tag, options);
    if (tag === "style" && nonce) made.nonce = nonce;
    return made;
  }) as typeof document.createElement;
  try {
    work();
  } finally {
    Reflect.deleteProperty(document, "createElement");
  }
}
