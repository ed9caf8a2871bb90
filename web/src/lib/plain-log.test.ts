import { expect, it } from "vitest";
import { plainLog } from "./plain-log";

it("takes out colours and titles", () => {
  expect(plainLog("\u001b[1;31mred\u001b[0m \u001b]0;title\u0007done")).toBe("red done");
});

it("shows a line that a progress bar rewrote once, as it was last", () => {
  expect(plainLog("10 %\r50 %\r100 %\nnext")).toBe("100 %\nnext");
});

it("reads line ends of any system", () => {
  expect(plainLog("a\r\nb\r\n")).toBe("a\nb\n");
});

it("keeps what a bar shows while it still moves", () => {
  expect(plainLog("10 %\r50 %\r")).toBe("50 %");
});
