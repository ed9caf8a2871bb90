import { describe, expect, it } from "vitest";
import { formatAgo, formatBytes, formatDuration, formatNumber, formatResources, withoutSite } from "./format";

describe("sizes", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [57_300_000, "57.3 MB"],
    [999_999, "1 MB"],
    [1_234, "1.23 kB"],
    [41_200_000_000_000, "41.2 TB"],
    [null, "size unknown"],
  ])("%s reads as %s", (bytes, words) => {
    expect(formatBytes(bytes)).toBe(words);
  });
});

describe("durations", () => {
  it.each([
    [0, "0 s"],
    [41, "41 s"],
    [3_600, "1 h"],
    [7_505, "2 h 5 min"],
    [90_000, "1 d 1 h"],
    [-5, "0 s"],
  ])("%s s reads as %s", (seconds, words) => {
    expect(formatDuration(seconds)).toBe(words);
  });
});

describe("instants", () => {
  const now = Date.parse("2026-11-21T12:00:00Z");

  it("says how long ago, and how long until", () => {
    expect(formatAgo("2026-11-21T11:59:58Z", now)).toBe("just now");
    expect(formatAgo("2026-11-21T11:56:00Z", now)).toBe("4 min ago");
    expect(formatAgo("2026-11-24T12:00:00Z", now)).toBe("in 3 d");
  });

  it("gives the date when it is long past", () => {
    expect(formatAgo("2025-01-05T12:00:00Z", now)).toMatch(/2025/);
  });
});

describe("numbers", () => {
  it("keeps no digits that say nothing", () => {
    expect(formatNumber(4)).toBe("4");
    expect(formatNumber(0.25)).toBe("0.25");
    expect(formatNumber(10)).toBe("10");
    expect(formatNumber(3.99999)).toBe("4");
  });

  it("names gpus only where there are some", () => {
    expect(formatResources({ cpus: 1, memory_gb: 2, gpus: 0 })).toBe("1 cpu · 2 GB memory");
    expect(formatResources({ cpus: 0.5, memory_gb: 2, gpus: 2 })).toBe("0.5 cpus · 2 GB memory · 2 gpus");
  });
});

it("does not name a site twice", () => {
  expect(withoutSite("local: needs 64 cpus, 2 in all", "local")).toBe("needs 64 cpus, 2 in all");
  expect(withoutSite("site local: is full", "local")).toBe("is full");
  expect(withoutSite("localhost: is full", "local")).toBe("localhost: is full");
});
