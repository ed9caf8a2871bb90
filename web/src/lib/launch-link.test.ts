import { describe, expect, it } from "vitest";
import { isOutsideApp, launchPath, readLaunchWish, safeNext } from "./launch-link";

describe("a launch link", () => {
  it("is read with everything it may say", () => {
    const wish = readLaunchWish(new URLSearchParams("id=doi:10.5072/abc&id=hdl:1/2&tool=jupyterlab@4&open=a/b.ipynb&new=1&cpus=2&cell_m=3"));
    expect(wish).toEqual({
      identifiers: ["doi:10.5072/abc", "hdl:1/2"],
      tool: "jupyterlab@4",
      open: "a/b.ipynb",
      fresh: true,
      site: undefined,
      executor: undefined,
      cpus: 2,
      memory_gb: undefined,
      title: undefined,
      settings: { cell_m: "3" },
    });
  });

  it("survives being written and read again", () => {
    const wish = readLaunchWish(new URLSearchParams("id=https://doi.org/10.5072/a%26b%23c&tool=x&text=a%2Bb+c&memory_gb=1.5"));
    const again = readLaunchWish(new URL(launchPath(wish), "http://hub.invalid").searchParams);
    expect(again).toEqual(wish);
  });

  it("ignores resources that are no amounts", () => {
    expect(readLaunchWish(new URLSearchParams("cpus=-1&memory_gb=lots"))).toMatchObject({ cpus: undefined, memory_gb: undefined });
  });
});

describe("the way back after signing in", () => {
  it.each([
    ["/launch?id=doi:10.5072/abc&new=1", "/launch?id=doi:10.5072/abc&new=1"],
    ["//evil.example/x", "/datasets"],
    ["/\\evil.example", "/datasets"],
    ["/.//evil.example", "/datasets"],
    ["/runs/..//evil.example", "/datasets"],
    ["/\t/evil.example", "/datasets"],
    ["https://evil.example", "/datasets"],
    ["javascript:alert(1)", "/datasets"],
    [null, "/datasets"],
  ])("%s leads to %s", (next, target) => {
    expect(safeNext(next)).toBe(target);
  });
});

it("tells the hub's own addresses from pages of the app", () => {
  expect(isOutsideApp("/open/01k9?path=/lab")).toBe(true);
  expect(isOutsideApp("/opening")).toBe(false);
  expect(isOutsideApp("/runs/01k9")).toBe(false);
});
