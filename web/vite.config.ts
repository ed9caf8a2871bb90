import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { doubleServer } from "./vite/double-server.ts";

/** In development the hub's own processes answer: the edge of `alongside up`, unless said otherwise. */
const HUB = process.env.ALONGSIDE_URL ?? "http://127.0.0.1:8470";

export default defineConfig(({ mode }) => ({
  plugins: [react(), mode === "double" && doubleServer()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  // The hub puts a fresh nonce here with every page, so that its policy can allow our styles and no one else's.
  html: { cspNonce: "__CSP_NONCE__" },
  server: {
    host: "127.0.0.1",
    proxy: mode === "double" ? undefined : Object.fromEntries(["/api", "/live", "/open", "/badge.svg"].map((path) => [path, HUB])),
  },
  build: {
    outDir: "../src/alongside/web",
    emptyOutDir: true,
    // No inline code: the hub may send a Content-Security-Policy without 'unsafe-inline' for scripts.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 600,
  },
  test: {
    environment: "jsdom",
    setupFiles: ["src/testing/setup.ts"],
    include: ["src/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    maxWorkers: 1,
    testTimeout: 15_000,
  },
}));
