import { describe, expect, it } from "vitest";
import { fieldKind, labelOf, settingFaults, settingFromText, type Schema } from "./json-schema";

const SCHEMA: Schema = {
  type: "object",
  required: ["cell_m", "class"],
  properties: {
    cell_m: { type: "number", minimum: 0.1, maximum: 100 },
    class: { type: "string", enum: ["all", "ground"] },
    bands: { type: "integer" },
    code: { type: "string", pattern: "^[A-Z]{3}$" },
    shade: { type: "boolean" },
  },
};

describe("the field for a setting", () => {
  it.each<[Schema, string]>([
    [{ type: "string" }, "string"],
    [{ type: ["integer", "null"] }, "integer"],
    [{ enum: [1, 2] }, "choice"],
    [{ type: "array", items: { type: "string" } }, "strings"],
    [{ type: "object" }, "json"],
    [{}, "json"],
  ])("%j is a %s", (schema, kind) => {
    expect(fieldKind(schema)).toBe(kind);
  });

  it("is labelled by the title, else by the name in words", () => {
    expect(labelOf("cell_m", { title: "Cell size" })).toBe("Cell size");
    expect(labelOf("max_points", {})).toBe("Max points");
  });
});

describe("faults of settings", () => {
  it("names every one of them, and none when all is well", () => {
    expect(settingFaults(SCHEMA, { cell_m: 0, bands: 1.5, code: "xyz" })).toEqual({
      cell_m: "At least 0.1.",
      class: "Needed.",
      bands: "A whole number.",
      code: "Must match ^[A-Z]{3}$",
    });
    expect(settingFaults(SCHEMA, { cell_m: 2, class: "all" })).toEqual({});
  });

  it("leaves a pattern that browsers do not know to the hub", () => {
    expect(settingFaults({ properties: { a: { type: "string", pattern: "(?P<x>a)" } } }, { a: "b" })).toEqual({});
  });
});

describe("settings in a link", () => {
  it.each<[string, string, unknown]>([
    ["cell_m", "2.5", 2.5],
    ["cell_m", "wide", "wide"],
    ["shade", "1", true],
    ["shade", "", true],
    ["shade", "false", false],
    ["class", "ground", "ground"],
  ])("%s=%s becomes %j", (name, text, value) => {
    expect(settingFromText(SCHEMA.properties?.[name], text)).toEqual(value);
  });

  it("keeps a choice's own type", () => {
    expect(settingFromText({ enum: [1, 2] }, "2")).toBe(2);
  });
});
