import { screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { ago, fakeRun } from "@/testing/fakes";
import { renderApp } from "@/testing/render-app";

afterEach(() => vi.unstubAllGlobals());

it("warns before an idle run is paused, and one press keeps it", { timeout: 30_000 }, async () => {
  const { hub } = renderApp("/nowhere");
  const run = fakeRun({ idle_since: ago(3 * 3600), pauses_at: ago(-900), ends_at: ago(-7 * 3600 - 30) });
  hub.state.runs.push(run);
  const { user } = renderApp(`/runs/${run.id}`, { hub });
  expect(await screen.findByText(/It pauses in 1[45] min/, {}, { timeout: 20_000 })).toBeVisible();
  expect(screen.getAllByText(/in 7 h/).length).toBeGreaterThan(0);
  await user.click(screen.getByRole("button", { name: "Keep it" }));
  expect(hub.state.written.map((call) => call.path)).toContain(`/api/v1/runs/${run.id}/keep`);
});
