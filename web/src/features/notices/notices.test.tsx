import { screen } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { HubDouble } from "@/testing/hub-double";
import { renderApp } from "@/testing/render-app";

const PATIENT = { timeout: 10_000 };

afterEach(() => vi.unstubAllGlobals());

describe("what one is told", () => {
  it("is counted at the bell, read in the inbox and leads to what it is about", async () => {
    const hub = new HubDouble();
    const notice = { id: "1", account: "a", kind: "failed" as const, title: "Summary failed", body: "It ended with 3.", link: "/tools", run: null, count: 3, created_at: "2026-03-01T09:00:00Z", read_at: null };
    hub.state.notices = [notice];
    const { user, address } = renderApp("/datasets", { hub });
    const [bell] = await screen.findAllByLabelText("Notices: 1 unread", {}, PATIENT);
    await user.click(bell as HTMLElement);
    await user.click(await screen.findByText("Summary failed (and 2 more)", {}, PATIENT));
    expect(await screen.findByRole("heading", { name: "Tools" }, PATIENT)).toBeVisible();
    expect(address()).toBe("/tools");
    expect(hub.state.written).toContainEqual({ method: "POST", path: "/api/v1/notices/read", body: { ids: ["1"] } });
    expect((await screen.findAllByLabelText("Notices", {}, PATIENT)).length).toBeGreaterThan(0);
  });

  it("by the house itself stands above every page", async () => {
    const hub = new HubDouble();
    hub.state.banners = [{ id: "1", level: "down", text: "New disks tonight.", site: "lab", starts_at: "2026-03-01T09:00:00Z", ends_at: null, no_launch_from: null, created_at: "2026-03-01T09:00:00Z" }];
    renderApp("/datasets", { hub });
    expect(await screen.findByText(/New disks tonight\. Concerns the site lab\./, {}, PATIENT)).toBeVisible();
  });
});
