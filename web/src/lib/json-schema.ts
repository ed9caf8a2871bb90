/** The part of JSON Schema from which forms are made, and settings between text and values. */

export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  multipleOf?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  format?: string;
  items?: Schema;
  examples?: unknown[];
}

export type Settings = Record<string, unknown>;

export type FieldKind = "string" | "text" | "number" | "integer" | "boolean" | "choice" | "strings" | "json";

export function fieldKind(schema: Schema): FieldKind {
  if (schema.enum) return "choice";
  const type = Array.isArray(schema.type) ? schema.type.find((name) => name !== "null") : schema.type;
  switch (type) {
    case "string":
      return schema.format === "multiline" || (schema.maxLength ?? 0) > 500 ? "text" : "string";
    case "number":
    case "integer":
    case "boolean":
      return type;
    case "array":
      return schema.items?.type === "string" && !schema.items.enum ? "strings" : "json";
    default:
      return "json";
  }
}

export function fieldsOf(schema: Schema | null | undefined): [string, Schema][] {
  return Object.entries(schema?.properties ?? {});
}

export function labelOf(name: string, schema: Schema): string {
  if (schema.title) return schema.title;
  const words = name.replace(/[_-]+/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What is wrong with one setting, in words; the hub checks again and has the last one. */
export function settingFault(schema: Schema, value: unknown, required: boolean): string | undefined {
  if (value === undefined || value === "") return required ? "Needed." : undefined;
  if (typeof value === "number") return numberFault(schema, value);
  if (typeof value === "string") return stringFault(schema, value);
  return undefined;
}

function numberFault(schema: Schema, value: number): string | undefined {
  if (schema.minimum !== undefined && value < schema.minimum) return `At least ${schema.minimum}.`;
  if (schema.maximum !== undefined && value > schema.maximum) return `At most ${schema.maximum}.`;
  if (schema.exclusiveMinimum !== undefined && value <= schema.exclusiveMinimum) return `More than ${schema.exclusiveMinimum}.`;
  if (schema.exclusiveMaximum !== undefined && value >= schema.exclusiveMaximum) return `Less than ${schema.exclusiveMaximum}.`;
  if (fieldKind(schema) === "integer" && !Number.isInteger(value)) return "A whole number.";
  return undefined;
}

function stringFault(schema: Schema, value: string): string | undefined {
  if (schema.minLength !== undefined && value.length < schema.minLength) return `At least ${schema.minLength} characters.`;
  if (schema.maxLength !== undefined && value.length > schema.maxLength) return `At most ${schema.maxLength} characters.`;
  if (schema.pattern !== undefined && !matches(schema.pattern, value)) return `Must match ${schema.pattern}`;
  return undefined;
}

function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    return true; // not a pattern that browsers know; the hub decides
  }
}

export function settingFaults(schema: Schema | null | undefined, settings: Settings): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, field] of fieldsOf(schema)) {
    const fault = settingFault(field, settings[name], schema?.required?.includes(name) ?? false);
    if (fault) found[name] = fault;
  }
  return found;
}

/** A setting as it stands in a link, as the value that its schema asks for. */
export function settingFromText(schema: Schema | undefined, text: string): unknown {
  const kind = schema ? fieldKind(schema) : "string";
  if (kind === "choice") return schema?.enum?.find((choice) => String(choice) === text) ?? text;
  if (kind === "boolean") return text === "" || text === "1" || text.toLowerCase() === "true";
  if (kind === "number" || kind === "integer") return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
  if (kind === "json" || kind === "strings") {
    try {
      return JSON.parse(text);
    } catch {
      return kind === "strings" ? text.split(",") : text;
    }
  }
  return text;
}

export function settingToText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
