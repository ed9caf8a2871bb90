/** The whole app over the double of the hub, at an address, for tests that go through pages as people do. */
import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { createMemoryRouter, RouterProvider } from "react-router";
import { vi } from "vitest";
import { Providers } from "@/app/providers";
import { routes } from "@/app/router";
import { HubDouble } from "./hub-double";

export function renderApp(address: string, { signedIn = true, hub = new HubDouble() }: { signedIn?: boolean; hub?: HubDouble } = {}) {
  hub.state.signedIn = signedIn;
  if (signedIn) document.cookie = "alongside_csrf=csrf-of-the-double";
  vi.stubGlobal("fetch", hub.fetch);
  const router = createMemoryRouter(routes, { initialEntries: [address] });
  render(
    <Providers env="test">
      <RouterProvider router={router} />
    </Providers>,
  );
  return { hub, router, user: userEvent.setup(), address: () => router.state.location.pathname + router.state.location.search };
}
