import { beforeEach, expect, test } from "vitest";
import { dropShareCode, heldShareCode, takeShareCode } from "./share-code";

beforeEach(() => {
  sessionStorage.clear();
  history.replaceState(null, "", "/");
});

test("a link's code leaves the address and waits for the page", () => {
  history.replaceState(null, "", "/share#7k3m-abcd-efgh-jkmn");
  takeShareCode();
  expect(location.href).toMatch(/\/share$/);
  expect(heldShareCode()).toBe("7k3m-abcd-efgh-jkmn");
  dropShareCode();
  expect(heldShareCode()).toBe("");
});

test("other pages keep their fragments", () => {
  history.replaceState(null, "", "/sign-in#token=abc");
  takeShareCode();
  expect(location.hash).toBe("#token=abc");
  expect(heldShareCode()).toBe("");
});
