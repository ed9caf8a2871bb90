import { afterEach, describe, expect, it, vi } from "vitest";
import { HubDouble } from "@/testing/hub-double";
import { api, body, everyPage } from "./client";
import { asProblem, faultOf, ProblemError } from "./problem";

function useDouble() {
  const hub = new HubDouble();
  vi.stubGlobal("fetch", hub.fetch);
  return hub;
}

afterEach(() => vi.unstubAllGlobals());

describe("the client", () => {
  it("throws what the hub refuses, with code and detail", async () => {
    useDouble();
    const refusal = await body(api.GET("/api/v1/me")).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ProblemError);
    expect(refusal).toMatchObject({ status: 401, code: "unauthenticated", detail: "Sign in first." });
  });

  it("sends the CSRF token with whatever changes something", async () => {
    const hub = useDouble();
    await api.POST("/api/v1/sign-in", { body: { name: "ada", password: "correct horse" } });
    await body(api.PATCH("/api/v1/me", { body: { display_name: "A. L." } }));
    expect(hub.state.account.display_name).toBe("A. L.");
  });

  it("is refused without it", async () => {
    useDouble();
    await api.POST("/api/v1/sign-in", { body: { name: "ada", password: "correct horse" } });
    document.cookie = "alongside_csrf=; max-age=0";
    await expect(body(api.PATCH("/api/v1/me", { body: { display_name: "x" } }))).rejects.toMatchObject({ code: "csrf_failed" });
  });

  it("takes the token that no neighbouring host can plant where there is one", async () => {
    const hub = useDouble();
    await api.POST("/api/v1/sign-in", { body: { name: "ada", password: "correct horse" } });
    const cookies = vi.spyOn(document, "cookie", "get");
    cookies.mockReturnValue("alongside_csrf=planted; __Host-alongside_csrf=csrf-of-the-double");
    await body(api.PATCH("/api/v1/me", { body: { display_name: "A. L." } }));
    expect(hub.state.account.display_name).toBe("A. L.");
    cookies.mockRestore();
  });

  it("keeps every fault with its field", async () => {
    useDouble();
    await api.POST("/api/v1/sign-in", { body: { name: "ada", password: "correct horse" } });
    const refusal = await body(api.PUT("/api/v1/me/password", { body: { current: "", new: "short" } })).catch((error: unknown) => error);
    expect(faultOf(refusal, "new")).toBe("must have at least 8 characters");
    expect(faultOf(refusal, "current")).toBeUndefined();
  });
});

describe("problems that are no documents", () => {
  it("says that the hub is not there when nothing answers", () => {
    expect(asProblem(new TypeError("Failed to fetch"))).toMatchObject({ status: 0, code: "unreachable" });
  });

  it("says that the hub is starting when only the proxy answers", async () => {
    vi.stubGlobal("fetch", () => Promise.resolve(new Response("<h1>503</h1>", { status: 503 })));
    await expect(body(api.GET("/api/v1/me"))).rejects.toMatchObject({ status: 503, code: "unavailable" });
  });
});

describe("lists", () => {
  it("are read page after page to their end", async () => {
    const pages: Record<string, { items: number[]; next: string | null }> = {
      "": { items: [1, 2], next: "a" },
      a: { items: [3], next: null },
    };
    const all = await everyPage((cursor) => Promise.resolve(pages[cursor ?? ""] ?? { items: [], next: null }));
    expect(all).toEqual([1, 2, 3]);
  });
});
