import { describe, expect, it } from "vitest";
import { readLaunchWish } from "@/lib/launch-link";
import { fakeSpec, fakeTool } from "@/testing/fakes";
import { draftOf, firstChoice, linkOf, requestOf, settingsOf } from "./launch-request";

describe("the request", () => {
  it("says only what was asked for, so that defaults stay the hub's", () => {
    expect(requestOf({ tool: "jupyterlab", identifiers: ["doi:10.5072/a"], settings: {} }, fakeSpec())).toEqual({
      tool: "jupyterlab",
      datasets: [{ id: "doi:10.5072/a" }],
      arguments: {},
    });
  });

  it("fills in the tool's own amounts where only one was changed", () => {
    const request = requestOf({ tool: "jupyterlab", identifiers: [], settings: {}, cpus: 4 }, fakeSpec());
    expect(request?.resources).toEqual({ cpus: 4, memory_gb: 2, gpus: 0, disk_gb: 0 });
  });

  it("names a class, or amounts that were typed in its place, and labels", () => {
    const draft = { tool: "jupyterlab", identifiers: [], settings: {}, resource_class: "large", labels: ["gpu-a100"] };
    expect(requestOf(draft, fakeSpec())).toMatchObject({ resource_class: "large", labels: ["gpu-a100"] });
    expect(requestOf({ ...draft, cpus: 4 }, fakeSpec())).not.toHaveProperty("resource_class");
    const wish = readLaunchWish(new URLSearchParams("tool=t&class=large&label=a&label=b"));
    expect(linkOf(draftOf(wish, undefined))).toBe("/launch?tool=t&class=large&label=a&label=b");
  });

  it("is none without a tool", () => {
    expect(requestOf({ tool: undefined, identifiers: [], settings: {} }, undefined)).toBeNull();
  });
});

describe("settings of a link", () => {
  it("take their schema's types, and what is no setting is named", () => {
    const schema = { properties: { cell_m: { type: "number" } } };
    expect(settingsOf({ cell_m: "2", utm_source: "paper" }, schema)).toEqual({ settings: { cell_m: 2 }, ignored: ["utm_source"] });
  });

  it("come back in the link that opens the same form", () => {
    const wish = readLaunchWish(new URLSearchParams("id=doi:10.5072/a&tool=t&open=x.ipynb&cpus=2"));
    const draft = { ...draftOf(wish, undefined), settings: { cell_m: 2, shade: true } };
    expect(linkOf(draft)).toBe("/launch?id=doi:10.5072/a&tool=t&open=x.ipynb&cpus=2&cell_m=2&shade=true");
  });
});

describe("the tool offered first", () => {
  const lab = fakeTool();
  const task = fakeTool(fakeSpec({ name: "summary", kind: "task" }));
  const broken = fakeTool(fakeSpec({ name: "rstudio" }), { runnable: { ok: false, reason: "needs Docker", sites: [] } });

  it("is the one used last, if it can still run", () => {
    expect(firstChoice([lab, task], "summary")).toBe("summary");
    expect(firstChoice([broken, lab], "rstudio")).toBe("jupyterlab");
  });

  it("else an interactive one", () => {
    expect(firstChoice([task, lab], null)).toBe("jupyterlab");
  });
});
