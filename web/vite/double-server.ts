/** Serves the test double of the hub from Vite's dev server: `npm run double`. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { Plugin } from "vite";

type Handler = { handle(request: Request): Promise<Response> };

export const MINE = /^\/(api|live|open|badge\.svg|healthz)(\/|\?|$)/;

export function doubleServer(): Plugin {
  return {
    name: "alongside-double",
    configureServer(server) {
      let hub: Handler | undefined;
      server.middlewares.use((incoming, outgoing, next) => {
        if (!MINE.test(incoming.url ?? "")) return next();
        void (async () => {
          hub ??= ((await server.ssrLoadModule("/src/testing/hub-double.ts")) as { createHubDouble(): Handler }).createHubDouble();
          await answer(hub, incoming, outgoing);
        })().catch(next);
      });
    },
  };
}

export async function answer(hub: Handler, incoming: IncomingMessage, outgoing: ServerResponse) {
  const url = `http://${incoming.headers.host ?? "127.0.0.1"}${incoming.url ?? "/"}`;
  const method = incoming.method ?? "GET";
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) headers.set(name, String(value));
  const body = method === "GET" || method === "HEAD" ? undefined : Buffer.concat(chunks);
  const response = await hub.handle(new Request(url, { method, headers, body }));
  const cookies = response.headers.getSetCookie();
  if (cookies.length) outgoing.setHeader("set-cookie", cookies);
  outgoing.writeHead(response.status, Object.fromEntries([...response.headers].filter(([name]) => name !== "set-cookie")));
  if (!response.body) return outgoing.end();
  const stream = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
  outgoing.on("close", () => stream.destroy());
  stream.on("error", () => outgoing.end());
  stream.pipe(outgoing);
}
