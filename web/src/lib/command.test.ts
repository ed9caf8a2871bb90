import { describe, expect, it } from "vitest";
import { commandLine, launchCommand } from "./command";

describe("the same as a command", () => {
  it("launches a tool", () => {
    expect(launchCommand({ tool: "jupyterlab", identifiers: ["doi:10.5072/abc"], open: "my notes.ipynb", cpus: 2 })).toBe(
      "alongside launch doi:10.5072/abc --tool jupyterlab --open 'my notes.ipynb' --cpus 2",
    );
  });

  it("runs a task with its settings", () => {
    expect(launchCommand({ tool: "summary", kind: "task", identifiers: ["local:x"], settings: { cell_m: 2, shade: true } })).toBe(
      "alongside task run summary local:x --arg cell_m=2 --arg shade=true",
    );
  });

  it("quotes what a shell would take apart", () => {
    expect(commandLine(["echo", "it's $HOME; rm"])).toBe("echo 'it'\\''s $HOME; rm'");
  });
});
