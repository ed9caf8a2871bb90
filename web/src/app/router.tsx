/** Which page answers which address; each is a chunk of its own, fetched when first visited. */
import { createBrowserRouter, Navigate, type RouteObject } from "react-router";
import { takeShareCode } from "@/lib/share-code";
import { NotFoundPage, RouteError } from "./error-page";
import { RequireSession } from "./session-gate";
import { Shell } from "./shell";

export const routes: RouteObject[] = [
  {
    errorElement: <RouteError />,
    HydrateFallback: () => null,
    children: [
      { path: "/sign-in", lazy: async () => ({ Component: (await import("@/features/auth/sign-in-page")).SignInPage }) },
      { path: "/register", lazy: async () => ({ Component: (await import("@/features/auth/register-page")).RegisterPage }) },
      { path: "/reset", lazy: async () => ({ Component: (await import("@/features/auth/reset-page")).ResetPage }) },
      { path: "/verify", lazy: async () => ({ Component: (await import("@/features/auth/verify-page")).VerifyPage }) },
      {
        element: (
          <RequireSession>
            <Shell />
          </RequireSession>
        ),
        children: [
          {
            errorElement: <RouteError />,
            children: [
              { path: "/", element: <Navigate to="/datasets" replace /> },
              { path: "/datasets", lazy: async () => ({ Component: (await import("@/features/datasets/datasets-page")).DatasetsPage }) },
              { path: "/datasets/:id", lazy: async () => ({ Component: (await import("@/features/datasets/dataset-page")).DatasetPage }) },
              { path: "/launch", lazy: async () => ({ Component: (await import("@/features/launch/consent-page")).ConsentPage }) },
              { path: "/tools", lazy: async () => ({ Component: (await import("@/features/tools/tools-page")).ToolsPage }) },
              { path: "/tools/:name", lazy: async () => ({ Component: (await import("@/features/tools/tool-page")).ToolPage }) },
              { path: "/share", lazy: async () => ({ Component: (await import("@/features/shares/share-page")).SharePage }) },
              { path: "/runs", lazy: async () => ({ Component: (await import("@/features/runs/runs-page")).RunsPage }) },
              { path: "/runs/:id", lazy: async () => ({ Component: (await import("@/features/runs/run-page")).RunPage }) },
              { path: "/homes", lazy: async () => ({ Component: (await import("@/features/homes/homes-page")).HomesPage }) },
              { path: "/usage", lazy: async () => ({ Component: (await import("@/features/usage/usage-page")).UsagePage }) },
              { path: "/classes", lazy: async () => ({ Component: (await import("@/features/classroom/classes-page")).ClassesPage }) },
              { path: "/classes/:id", lazy: async () => ({ Component: (await import("@/features/classroom/class-page")).ClassPage }) },
              { path: "/files", lazy: async () => ({ Component: (await import("@/features/files/files-page")).FilesPage }) },
              { path: "/account", lazy: async () => ({ Component: (await import("@/features/account/account-page")).AccountPage }) },
              { path: "/admin/:section?", lazy: async () => ({ Component: (await import("@/features/admin/admin-page")).AdminPage }) },
              { path: "*", element: <NotFoundPage /> },
            ],
          },
        ],
      },
    ],
  },
];

export function createRouter() {
  takeShareCode();
  return createBrowserRouter(routes);
}
