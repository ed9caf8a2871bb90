/** Rows of a comma- or tab-separated text (RFC 4180), as many as are wanted. */

export function parseTable(text: string, separator: string, rows: number): string[][] {
  const found: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  for (let at = 0; at < text.length && found.length < rows; at++) {
    const char = text[at];
    if (quoted) {
      if (char !== '"') cell += char;
      else if (text[at + 1] === '"') cell += text[++at];
      else quoted = false;
    } else if (char === '"' && cell === "") quoted = true;
    else if (char === separator) {
      row.push(cell);
      cell = "";
    } else if (char === "\n") {
      row.push(cell.replace(/\r$/, ""));
      found.push(row);
      row = [];
      cell = "";
    } else cell += char;
  }
  if (found.length < rows && (cell !== "" || row.length > 0)) found.push([...row, cell]);
  return found;
}
