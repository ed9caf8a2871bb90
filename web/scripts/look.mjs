/**
 * Pictures of every page in light, dark and at phone width, to be looked at: `npm run look -- OUT [page…]`.
 * Serves the built pages (`npm run build` first) over the double of the hub; set LOOK_URL (and LOOK_SIGN_IN_LINK) to look at a real one.
 */
import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import http from "node:http";
import { chromium } from "playwright-core";
import { createServer } from "vite";

const [out = "look", ...only] = process.argv.slice(2);
mkdirSync(out, { recursive: true });

const LOOKS = [
  { name: "light", colorScheme: "light", viewport: { width: 1280, height: 860 } },
  { name: "dark", colorScheme: "dark", viewport: { width: 1280, height: 860 } },
  { name: "phone", colorScheme: "light", viewport: { width: 390, height: 844 } },
];

const runCalled = (title) => async (page) => {
  await page.goto(`${base}/runs?view=all`);
  await page.getByRole("link", { name: title, exact: true }).first().click();
  await page.waitForURL(/runs\/./);
};

const PAGES = {
  datasets: "/datasets",
  "datasets-none": "/datasets?q=nothing%20like%20this",
  dataset: async (page) => {
    await page.goto(`${base}/datasets`);
    await page.getByRole("link", { name: /Autzen/ }).first().click();
    await page.getByRole("tab", { name: "Badge" }).click();
  },
  register: async (page) => {
    await page.goto(`${base}/datasets`);
    await page.getByRole("button", { name: "Register a dataset" }).click();
  },
  launch: async (page) => {
    await page.goto(`${base}/datasets`);
    await page.getByRole("button", { name: /Launch a tool on/ }).first().click();
    await page.getByRole("dialog").getByRole("button", { name: /^Launch/ }).waitFor();
  },
  "launch-task": async (page) => {
    await page.goto(`${base}/tools`);
    await page.getByRole("button", { name: "Launch Point cloud summary" }).click();
    await page.getByRole("button", { name: "Advanced" }).click();
  },
  consent: "/launch?id=https://doi.org/10.5072/AUTZEN&tool=jupyterlab&open=start.ipynb&utm_source=paper",
  "consent-unknown": "/launch?id=10.5072/none&tool=jupyterlab",
  "consent-tool": "/launch?id=10.5072/sst-natl",
  tools: "/tools",
  tool: "/tools/pointcloud-summary",
  publish: async (page) => {
    await page.goto(`${base}/tools`);
    await page.getByRole("button", { name: "Publish a tool" }).click();
    await page.getByLabel("Specification").fill("title: half a tool\n");
    await page.getByText(/things are wrong/).waitFor();
  },
  runs: "/runs",
  "runs-all": "/runs?view=all",
  "run-ready": runCalled("JupyterLab"),
  "run-starting": runCalled("Tides"),
  "run-waiting": runCalled("Everything at once"),
  "run-failed": runCalled("Summary of cells"),
  "run-done": runCalled("Summary of Autzen"),
  account: "/account",
  admin: "/admin",
  "admin-people": "/admin/people",
  "admin-tags": "/admin/tags",
  missing: "/nowhere",
};

const server = process.env.LOOK_URL ? null : await serveDouble();
const base = process.env.LOOK_URL ?? server.url;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});

for (const { name: look, ...options } of LOOKS) {
  const context = await browser.newContext({ ...options, deviceScaleFactor: 1 });
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && console.error(`${look} console: ${message.text()}`));
  page.on("pageerror", (error) => console.error(`${look} error: ${error.message}`));
  page.setDefaultTimeout(8_000);
  server?.forget();
  await page.goto(process.env.LOOK_SIGN_IN_LINK ?? `${base}/sign-in`);
  if (!process.env.LOOK_SIGN_IN_LINK) {
    await page.getByLabel("Name").waitFor();
    if (only.length === 0 || only.includes("sign-in")) await page.screenshot({ path: `${out}/sign-in.${look}.png` });
    await page.getByLabel("Name").fill("ada");
    await page.getByLabel("Password").first().fill("correct horse");
    await page.getByRole("button", { name: "Sign in" }).click();
  }
  await page.waitForURL(/datasets/);
  for (const [name, go] of Object.entries(PAGES)) {
    if (only.length > 0 && !only.includes(name)) continue;
    try {
      if (typeof go === "string") await page.goto(base + go);
      else await go(page);
      await page.waitForTimeout(900);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) console.error(`${look} ${name}: ${wide} px too wide`);
      await page.screenshot({ path: `${out}/${name}.${look}.png`, fullPage: !(await page.getByRole("dialog").count()) });
    } catch (error) {
      console.error(`${look} ${name}: ${error.message.split("\n")[0]}`);
    }
  }
  await context.close();
}
await browser.close();
await server?.close();

async function serveDouble() {
  const vite = await createServer({ mode: "double", server: { middlewareMode: true, hmr: false, watch: null }, appType: "custom", logLevel: "error" });
  const { createHubDouble } = await vite.ssrLoadModule("/src/testing/hub-double.ts");
  const { answer, MINE } = await vite.ssrLoadModule("/vite/double-server.ts");
  const hub = createHubDouble();
  const types = { js: "text/javascript", css: "text/css", svg: "image/svg+xml", woff2: "font/woff2" };
  const listener = http.createServer(async (incoming, outgoing) => {
    if (MINE.test(incoming.url)) return answer(hub, incoming, outgoing);
    const path = incoming.url.split("?")[0];
    const built = new URL("../../src/alongside/web", import.meta.url).pathname;
    const file = /\.\w+$/.test(path) ? path : "/index.html";
    const bytes = await readFile(built + file).catch(() => null);
    outgoing.writeHead(bytes ? 200 : 404, { "content-type": types[file.split(".").at(-1)] ?? "text/html" });
    outgoing.end(bytes);
  });
  await new Promise((resolve) => listener.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${listener.address().port}`,
    forget() {
      hub.state.signedIn = false;
    },
    async close() {
      listener.closeAllConnections();
      listener.close();
      await vite.close();
    },
  };
}
