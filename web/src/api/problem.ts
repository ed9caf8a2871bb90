/** Errors of the API as thrown values: RFC 9457 problem documents, with every fault they name. */
import type { Fault } from "./types";

export class ProblemError extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly faults: readonly Fault[];
  /** The whole document: some codes carry more, like the runners that a refusal names. */
  readonly document: Readonly<Record<string, unknown>>;

  constructor(status: number, document: Record<string, unknown>) {
    const title = text(document.title) ?? "Something went wrong.";
    const detail = text(document.detail) ?? title;
    super(detail);
    this.name = "ProblemError";
    this.status = status;
    this.code = text(document.code) ?? "unknown";
    this.title = title;
    this.detail = detail;
    this.faults = Array.isArray(document.faults) ? (document.faults as Fault[]) : [];
    this.document = document;
  }
}

export async function problemOf(response: Response): Promise<ProblemError> {
  const isJson = /json/.test(response.headers.get("content-type") ?? "");
  const document: unknown = isJson ? await response.json().catch(() => null) : null;
  if (document !== null && typeof document === "object") {
    return new ProblemError(response.status, document as Record<string, unknown>);
  }
  return new ProblemError(response.status, unreadable(response.status));
}

/** What to show for anything that was thrown, also when the hub could not be reached at all. */
export function asProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof TypeError) {
    return new ProblemError(0, {
      title: "The hub does not answer.",
      detail: "The hub could not be reached. Check that it is running and that you are online; this page tries again by itself.",
      code: "unreachable",
    });
  }
  return new ProblemError(0, { title: "Something went wrong.", detail: String(error), code: "internal" });
}

/** The reason given for one field of a form, if the answer faults it. */
export function faultOf(error: unknown, field: string): string | undefined {
  if (!(error instanceof ProblemError)) return undefined;
  return error.faults.find((fault) => fault.field === field)?.reason;
}

/** Whether the refusal says more than the fields of the form show. */
export function faultsElsewhere(error: unknown, fields: readonly string[]): boolean {
  if (!(error instanceof ProblemError)) return true;
  return error.faults.length === 0 || error.faults.some((fault) => !fields.includes(fault.field));
}

function unreadable(status: number): Record<string, unknown> {
  if (status === 502 || status === 503 || status === 504) {
    return {
      title: "The hub is not answering.",
      detail: "The hub is starting or was stopped. This page tries again by itself.",
      code: "unavailable",
    };
  }
  return { title: `The hub answered ${status}.`, detail: `The hub answered ${status} without saying why.`, code: "unknown" };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value ? value : undefined;
}
