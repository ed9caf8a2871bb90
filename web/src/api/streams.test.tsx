import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { HubDouble } from "@/testing/hub-double";
import { StreamDouble } from "@/testing/stream-double";
import { keys } from "./keys";
import { staleKeys, useEventStream } from "./hints";
import { useLogTail, useRunProgress } from "./run-streams";

let client: QueryClient;
const wrapper = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>;

beforeEach(() => {
  client = new QueryClient();
  StreamDouble.install();
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("hints", () => {
  it("make stale what they are about", () => {
    expect(staleKeys({ kind: "run", key: "r1" })).toContainEqual(keys.runs.one("r1"));
    expect(staleKeys({ kind: "hello", key: "" })).toEqual([]);
  });

  it("refetch once for several about the same", async () => {
    vi.useFakeTimers();
    const stale = vi.spyOn(client, "invalidateQueries");
    renderHook(() => useEventStream(), { wrapper });
    const stream = StreamDouble.at("/live/v1/events");
    act(() => {
      stream.open();
      stream.say({ kind: "run", key: "r1" });
      stream.say({ kind: "run", key: "r1" });
    });
    await vi.advanceTimersByTimeAsync(200);
    expect(stale.mock.calls.filter(([filter]) => JSON.stringify(filter?.queryKey) === JSON.stringify(keys.runs.one("r1")))).toHaveLength(1);
  });

  it("refetch everything after a gap, because hints were missed", async () => {
    vi.useFakeTimers();
    const stale = vi.spyOn(client, "invalidateQueries");
    renderHook(() => useEventStream(), { wrapper });
    act(() => StreamDouble.at("/live/v1/events").open());
    act(() => StreamDouble.at("/live/v1/events").fail());
    await vi.advanceTimersByTimeAsync(3_000);
    act(() => StreamDouble.at("/live/v1/events").open());
    expect(stale).toHaveBeenCalledWith();
  });
});

describe("progress", () => {
  it("ends with the word that settles it, and does not connect again", () => {
    const { result } = renderHook(() => useRunProgress("r1", true), { wrapper });
    const stream = StreamDouble.at("/live/v1/runs/r1/progress");
    act(() => stream.say({ progress: 30, message: "Mounting", word: "Starting" }));
    expect(result.current).toEqual({ progress: 30, message: "Mounting" });
    act(() => stream.say({ progress: 100, message: "Ready", word: "Ready" }));
    expect(stream.closed).toBe(true);
  });
});

describe("a log", () => {
  it("goes on where it stopped when the connection is lost", async () => {
    const hub = new HubDouble();
    hub.state.signedIn = true;
    const run = hub.state.runs[0]?.id ?? "";
    hub.state.logs.set(run, "eins\n");
    vi.stubGlobal("fetch", hub.fetch);
    const { result } = renderHook(() => useLogTail(run, 1, true), { wrapper });
    await waitFor(() => expect(result.current).toMatchObject({ text: "eins\n", state: "following" }));
    act(() => StreamDouble.at(`/live/v1/runs/${run}/log?attempt=1&offset=5`).say({ offset: 5, text: "zwölf\n" }, "log"));
    expect(result.current.text).toBe("eins\nzwölf\n");
    vi.useFakeTimers();
    act(() => StreamDouble.at(`/live/v1/runs/${run}/log?attempt=1&offset=5`).fail());
    await act(() => vi.advanceTimersByTimeAsync(3_000));
    const again = StreamDouble.at(`/live/v1/runs/${run}/log?attempt=1&offset=12`);
    act(() => again.say({}, "end"));
    expect(result.current.state).toBe("ended");
    expect(again.closed).toBe(true);
  });
});
