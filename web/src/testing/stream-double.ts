/** A double of EventSource: a test opens it, speaks through it and breaks it. */
import { vi } from "vitest";

export class StreamDouble extends EventTarget {
  private static made: StreamDouble[] = [];

  static install() {
    StreamDouble.made = [];
    vi.stubGlobal("EventSource", StreamDouble);
  }

  /** The newest stream at an address. */
  static at(address: string): StreamDouble {
    const found = StreamDouble.made.findLast((stream) => stream.address === address);
    if (!found) throw new Error(`no stream at ${address}, only at ${StreamDouble.made.map((stream) => stream.address).join(", ")}`);
    return found;
  }

  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  onmessage: ((event: MessageEvent<string>) => void) | null = null;
  closed = false;

  constructor(readonly address: string) {
    super();
    StreamDouble.made.push(this);
  }

  open() {
    this.onopen?.();
  }

  fail() {
    this.onerror?.();
  }

  say(value: object, event = "message") {
    const message = new MessageEvent(event, { data: JSON.stringify(value) });
    if (event === "message") this.onmessage?.(message as MessageEvent<string>);
    else this.dispatchEvent(message);
  }

  close() {
    this.closed = true;
  }
}
