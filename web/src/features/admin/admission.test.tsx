import { screen, waitFor, within } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { fakeAccount } from "@/testing/fakes";
import { renderApp } from "@/testing/render-app";

afterEach(() => vi.unstubAllGlobals());

it("somebody who waits is approved with one click, and gone from the queue", async () => {
  const { hub, router, user } = renderApp("/runs");
  hub.state.account.role = "admin";
  hub.state.registration = "approval";
  hub.state.accounts.push(fakeAccount({ name: "eve", display_name: "Eve", standing: "waiting" }));
  await router.navigate("/admin/people");
  const queue = await screen.findByRole("region", { name: "Waiting for approval (1)" });
  await user.click(within(queue).getByRole("button", { name: "Approve eve" }));
  await waitFor(() => expect(screen.queryByRole("region", { name: /Waiting for approval/ })).toBeNull());
  expect(screen.getByRole("button", { name: "Invite somebody" })).toBeVisible();
});

it("the sign-in page offers to register only where somebody may", async () => {
  const { hub } = renderApp("/sign-in", { signedIn: false });
  hub.state.registration = "approval";
  expect(await screen.findByRole("link", { name: "Register" })).toHaveAttribute("href", "/register");
});
