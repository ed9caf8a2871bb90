import { screen, waitFor, within } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { renderApp } from "@/testing/render-app";

afterEach(() => vi.unstubAllGlobals());

const posted = (hub: ReturnType<typeof renderApp>["hub"], path: string) => hub.state.written.filter((call) => call.path === path);

describe("signing in", () => {
  it("comes back to where the visitor wanted to go, and launches nothing on the way", async () => {
    const { user, hub, address } = renderApp("/launch?id=10.5072/autzen&tool=jupyterlab", { signedIn: false });
    await user.type(await screen.findByLabelText("Name"), "ada");
    await user.type(screen.getByLabelText("Password"), "correct horse");
    await user.click(screen.getByRole("button", { name: "Sign in" }));
    expect(await screen.findByRole("heading", { name: "Launch JupyterLab?" })).toBeVisible();
    expect(address()).toBe("/launch?id=10.5072/autzen&tool=jupyterlab");
    expect(posted(hub, "/api/v1/runs")).toHaveLength(0);
  });

  it("says when name and password do not match", async () => {
    const { user } = renderApp("/sign-in", { signedIn: false });
    await user.type(await screen.findByLabelText("Name"), "ada");
    await user.type(screen.getByLabelText("Password"), "wrong");
    await user.click(screen.getByRole("button", { name: "Sign in" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("Name and password do not match");
  });

  it("by a one-time link posts its token once and takes it out of the address", async () => {
    const { hub, address } = renderApp("/sign-in#token=once", { signedIn: false });
    await screen.findByRole("heading", { name: "Datasets" });
    expect(address()).toBe("/datasets");
    expect(posted(hub, "/api/v1/sign-in/link")).toEqual([{ method: "POST", path: "/api/v1/sign-in/link", body: { token: "once" } }]);
  });

  it("by a link that was used says so, and offers the password", async () => {
    const { user } = renderApp("/sign-in#token=twice", { signedIn: false });
    expect(await screen.findByText("This link does not work any more")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Sign in with a password" }));
    expect(await screen.findByLabelText("Name")).toBeVisible();
  });
});

describe("datasets", () => {
  it("are found by any form of their identifier while one types", async () => {
    const { user } = renderApp("/datasets");
    const list = await screen.findByRole("list", { name: "Datasets" });
    expect(within(list).getAllByRole("listitem")).toHaveLength(3);
    await user.type(screen.getByRole("searchbox", { name: "Search datasets" }), "https://doi.org/10.5072/AUTZEN");
    await waitFor(() => expect(screen.getAllByRole("listitem")).toHaveLength(1));
    expect(screen.getByRole("link", { name: "Autzen stadium lidar, trimmed" })).toBeVisible();
  });

  it("teach what they are while there are none", async () => {
    const { hub } = renderApp("/nowhere");
    hub.state.datasets = [];
    renderApp("/datasets", { hub });
    expect(await screen.findByRole("heading", { name: "No datasets yet" })).toBeVisible();
  });
});

describe("launching", () => {
  it("goes from the dataset over the dialog to the run, which becomes ready", async () => {
    const { user, hub, address } = renderApp("/datasets");
    await user.click(await screen.findByRole("button", { name: "Launch a tool on Sea surface temperature, North Atlantic, 1982 to 2024" }));
    const dialog = await screen.findByRole("dialog", { name: "Launch a tool" });
    await user.click(await within(dialog).findByRole("radio", { name: "Terminal" }));
    await user.click(await within(dialog).findByRole("button", { name: "Launch Terminal" }));
    await waitFor(() => expect(address()).toMatch(/^\/runs\/\w+$/));
    expect(posted(hub, "/api/v1/runs")[0]?.body).toEqual({ tool: "terminal", datasets: [{ id: "doi:10.5072/sst-natl" }], arguments: {} });
    expect(await screen.findByRole("region", { name: "Progress" })).toHaveTextContent("Waiting");
  });

  it("offers the run that one has before another one", async () => {
    const { user, address, hub } = renderApp("/launch?id=doi:10.5072/autzen&tool=jupyterlab");
    expect(await screen.findByText("You already have this: return to it")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Return to it" }));
    expect(address()).toMatch(/^\/runs\//);
    expect(posted(hub, "/api/v1/runs")).toHaveLength(0);
  });

  it("says what the hub refuses, and does not offer to launch it", async () => {
    renderApp("/launch?id=10.5072/unheard-of&tool=jupyterlab");
    expect(await screen.findByText("No dataset is registered under 10.5072/unheard-of.")).toBeVisible();
    expect(screen.getByRole("button", { name: "Launch" })).toBeDisabled();
  });

  it("asks for the settings that a tool needs before it launches", async () => {
    const { user, hub } = renderApp("/launch?id=10.5072/autzen&tool=pointcloud-summary&new=1");
    await screen.findByRole("heading", { name: "Launch Point cloud summary?" });
    await user.click(screen.getByRole("button", { name: "Launch" }));
    expect(await screen.findByText("Needed.")).toBeVisible();
    expect(posted(hub, "/api/v1/runs")).toHaveLength(0);
  });
});

describe("a run", () => {
  const runCalled = (hub: ReturnType<typeof renderApp>["hub"], title: string) => hub.state.runs.find((run) => run.title === title)?.id ?? "";

  it("opens in a tab of its own, within the click", async () => {
    const { user, hub, router } = renderApp("/runs");
    const id = runCalled(hub, "JupyterLab");
    await router.navigate(`/runs/${id}`);
    const open = vi.spyOn(window, "open").mockReturnValue(null);
    await user.click(await screen.findByRole("button", { name: "Open JupyterLab in a new tab" }));
    expect(open).toHaveBeenCalledWith(`/open/${id}`, "_blank");
  });

  it("is stopped and started again", async () => {
    const { user, hub } = renderApp("/runs");
    const id = runCalled(hub, "JupyterLab");
    await user.click(await screen.findByRole("button", { name: "Stop JupyterLab" }));
    await user.click(await screen.findByRole("button", { name: "Start JupyterLab" }));
    expect(hub.state.written.map((call) => call.path)).toEqual([`/api/v1/runs/${id}/stop`, `/api/v1/runs/${id}/start`]);
  });

  it("says how it got each dataset", async () => {
    const { hub, router } = renderApp("/runs");
    await router.navigate(`/runs/${runCalled(hub, "JupyterLab")}`);
    const data = await screen.findByRole("list", { name: "Datasets of this run" });
    expect(data).toHaveTextContent("mounted, read-only");
    expect(data).toHaveTextContent("copied, writable");
  });

  it("gets another dataset while it runs", async () => {
    const { user, hub, router } = renderApp("/runs");
    const id = runCalled(hub, "JupyterLab");
    await router.navigate(`/runs/${id}`);
    await user.click(await screen.findByRole("button", { name: "Attach data" }));
    const dialog = await screen.findByRole("dialog");
    await user.type(within(dialog).getByLabelText("Dataset"), "sst");
    await user.click(await screen.findByRole("option", { name: /Sea surface/ }));
    await user.click(within(dialog).getByRole("button", { name: "Attach" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(posted(hub, `/api/v1/runs/${id}/datasets`)[0]?.body).toEqual({ id: "doi:10.5072/sst-natl", mode: "mount" });
    expect(await screen.findByRole("link", { name: /Sea surface/ })).toBeVisible();
  });

  it("is deleted only after a question", async () => {
    const { user, hub, router, address } = renderApp("/runs");
    const id = runCalled(hub, "Last week's notebook");
    await router.navigate(`/runs/${id}`);
    await user.click(await screen.findByRole("button", { name: "Delete" }));
    expect(hub.state.written).toHaveLength(0);
    await user.click(await screen.findByRole("button", { name: "Delete for good" }));
    await waitFor(() => expect(address()).toBe("/runs"));
    expect(hub.state.runs.some((run) => run.id === id)).toBe(false);
  });

  it("that was deleted elsewhere is not shown from memory", async () => {
    const { hub, router } = renderApp("/runs");
    const id = runCalled(hub, "JupyterLab");
    await router.navigate(`/runs/${id}`);
    await screen.findByRole("button", { name: "Attach data" });
    hub.state.runs = hub.state.runs.filter((run) => run.id !== id);
    await router.navigate("/runs");
    await router.navigate(`/runs/${id}`);
    expect(await screen.findByRole("heading", { name: "There is no such run" }, { timeout: 6_000 })).toBeVisible();
  });

  it("tells its history in people's words", async () => {
    const { hub, router } = renderApp("/runs");
    await router.navigate(`/runs/${runCalled(hub, "JupyterLab")}`);
    const history = await screen.findByRole("region", { name: "History" });
    expect(await within(history).findByText("Waiting: Asked for by ada")).toBeVisible();
    expect(within(history).getByText("autzen: mounted read-only")).toBeVisible();
    expect(history).not.toHaveTextContent("queued");
  });

  it("says who refused it and why while it waits", async () => {
    const { hub, router } = renderApp("/runs");
    await router.navigate(`/runs/${runCalled(hub, "Everything at once")}`);
    const why = await screen.findByText("Why it waits");
    expect(why.closest('[role="alert"]')).toHaveTextContent("needs 16 cpus, 5 free");
  });
});

describe("tools", () => {
  it("that cannot run anywhere say so and are not offered", async () => {
    renderApp("/tools");
    expect(await screen.findByText(/Needs Docker/)).toBeVisible();
    expect(screen.getByRole("button", { name: "Launch RStudio" })).toBeDisabled();
  });

  it("are published only when nothing is wrong, and all that is wrong is named at once", async () => {
    const { user } = renderApp("/tools");
    await user.click(await screen.findByRole("button", { name: "Publish a tool" }));
    const source = await screen.findByLabelText("Specification");
    await user.clear(source);
    await user.type(source, "title: half");
    expect(await screen.findByText("4 things are wrong")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Publish" }));
    expect(await screen.findByText("It was not published")).toBeVisible();
  });
});

describe("the keyboard", () => {
  it("reaches the search with a slash, and pages with g", async () => {
    const { user, address } = renderApp("/tools");
    await screen.findByRole("heading", { name: "Tools" });
    await user.keyboard("gd");
    const search = await screen.findByRole("searchbox", { name: "Search datasets" });
    expect(address()).toBe("/datasets");
    await user.keyboard("/");
    expect(search).toHaveFocus();
    await user.keyboard("gr");
    expect(search).toHaveValue("gr");
  });

  it("shows its shortcuts on a question mark", async () => {
    const { user } = renderApp("/tools");
    await screen.findByRole("heading", { name: "Tools" });
    await user.keyboard("?");
    expect(await screen.findByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
  });
});
