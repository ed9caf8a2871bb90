import { expect, it } from "vitest";
import { parseTable } from "./csv";

it("reads quotes, line ends and a last row without one", () => {
  expect(parseTable('a,b\r\n"x, ""y""",2\n,\nlast', ",", 10)).toEqual([["a", "b"], ['x, "y"', "2"], ["", ""], ["last"]]);
  expect(parseTable('"two\nlines"\t2\n', "\t", 10)).toEqual([["two\nlines", "2"]]);
  expect(parseTable("1\n2\n3\n", ",", 2)).toEqual([["1"], ["2"]]);
  expect(parseTable("", ",", 2)).toEqual([]);
});
