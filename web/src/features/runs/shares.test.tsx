import { screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { renderApp } from "@/testing/render-app";
import { HubDouble } from "@/testing/hub-double";

const OTHERS = { id: "01kshared0000000000000000a", title: "Point clouds", tool: "jupyterlab", owner: "grace", state: "running", word: "Ready", ready: true, expires_at: null, open_url: "/open/01kshared0000000000000000a" } as const;

async function myRun() {
  const app = renderApp("/runs");
  const run = app.hub.state.runs.find((known) => known.word === "Ready" && known.kind === "interactive");
  await app.router.navigate(`/runs/${run?.id ?? ""}`);
  return { ...app, shared: await screen.findByRole("region", { name: "Shared with" }) };
}

describe("Sharing a run", () => {
  it("lets a person in and shuts them out again", async () => {
    const { user, shared } = await myRun();
    expect(await within(shared).findByText("Nobody: you alone can open it.")).toBeVisible();
    await user.click(within(shared).getByRole("button", { name: "Share" }));
    const dialog = await screen.findByRole("dialog");
    await user.type(within(dialog).getByLabelText("Name"), "grace");
    await user.click(within(dialog).getByRole("button", { name: "Share" }));
    expect(await within(shared).findByText("grace")).toBeVisible();
    await user.click(within(shared).getByRole("button", { name: "Revoke: grace" }));
    expect(await within(shared).findByText("Nobody: you alone can open it.")).toBeVisible();
  });

  it("says beside the name that nobody is called so", async () => {
    const { user, shared } = await myRun();
    await user.click(within(shared).getByRole("button", { name: "Share" }));
    const dialog = await screen.findByRole("dialog");
    await user.type(within(dialog).getByLabelText("Name"), "nobody");
    await user.click(within(dialog).getByRole("button", { name: "Share" }));
    expect(await within(dialog).findByText("nobody here is called 'nobody'")).toBeVisible();
  });

  it("shows a code and its link once", async () => {
    const { user, shared } = await myRun();
    await user.click(within(shared).getByRole("button", { name: "Share" }));
    const dialog = await screen.findByRole("dialog");
    await user.click(within(dialog).getByRole("radio", { name: "By a code" }));
    await user.click(within(dialog).getByRole("button", { name: "Make a code" }));
    expect(await within(dialog).findByText("7k3m-abcd-efgh-jkmn")).toBeVisible();
    expect(within(dialog).getByText("http://127.0.0.1:8470/share#7k3m-abcd-efgh-jkmn")).toBeVisible();
  });
});

describe("A run that is shared with me", () => {
  it("is come into by a code, and then opened and no more", async () => {
    const hub = new HubDouble();
    hub.state.shared = [OTHERS];
    const { user, address } = renderApp("/share", { hub });
    await user.type(await screen.findByLabelText("Code"), "wrong");
    await user.click(screen.getByRole("button", { name: "Come in" }));
    expect(await screen.findByText(/This code opens nothing/)).toBeVisible();
    await user.clear(screen.getByLabelText("Code"));
    await user.type(screen.getByLabelText("Code"), "7k3m-abcd-efgh-jkmn");
    await user.click(screen.getByRole("button", { name: "Come in" }));
    expect(await screen.findByRole("heading", { name: "Point clouds" })).toBeVisible();
    expect(address()).toBe(`/runs/${OTHERS.id}`);
    expect(screen.getByRole("button", { name: "Open Point clouds in a new tab" })).toBeVisible();
    expect(screen.queryByRole("button", { name: "Stop" })).not.toBeInTheDocument();
  });

  it("is in my list of runs", async () => {
    const hub = new HubDouble();
    hub.state.shared = [OTHERS];
    renderApp("/runs", { hub });
    const list = await screen.findByRole("region", { name: "Shared with you" });
    expect(within(list).getByText("Point clouds")).toBeVisible();
    expect(list).toHaveTextContent("jupyterlab of grace");
  });
});
