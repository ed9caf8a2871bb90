import { screen, within } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { fakePull } from "@/testing/fakes";
import { renderApp } from "@/testing/render-app";

afterEach(() => vi.unstubAllGlobals());

it("an administrator has an image pulled, sees how far it is, and why another is not there", async () => {
  const { hub, router, user } = renderApp("/runs");
  hub.state.account.role = "admin";
  for (const executor of hub.state.sites[0]?.runners[0]?.executors ?? []) executor.available = true;
  hub.state.images = [fakePull({ image: "nowhere/lab:1", state: "executor_error", reason: "no such image" })];
  await router.navigate("/admin");
  await user.click(await screen.findByRole("button", { name: "Pull an image to This machine" }));
  const dialog = await screen.findByRole("dialog");
  await user.click(within(dialog).getByLabelText("Tool or image", { selector: "input" }));
  await user.paste("registry.example.org/lab:1");
  await user.click(within(dialog).getByRole("button", { name: "Pull" }));
  expect(await screen.findByText("registry.example.org/lab:1")).toBeVisible();
  expect(screen.getByRole("progressbar", { name: "registry.example.org/lab:1 at bench-1: 40 %" })).toBeInTheDocument();
  expect(screen.getByText(/no such image/)).toBeVisible();
  expect(screen.getByRole("button", { name: "Pull nowhere/lab:1 again" })).toBeVisible();
});
