/** Rows of cells as lines of aligned columns; the first row is the head. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, width(cell));
  return rows.map((row) =>
    row
      .map((cell, at) => cell + ' '.repeat((widths[at] ?? 0) - width(cell)))
      .join('  ')
      .trimEnd(),
  );
}

/** Columns that a text takes on a terminal: its colours take none. */
function width(text: string): number {
  // oxlint-disable-next-line no-control-regex -- the escape character is what begins a colour
  return text.replaceAll(/\u001B\[\d+m/g, '').length;
}

/** Cuts a long table: the first rows, and how many more there are. */
export function firstRows<T>(rows: readonly T[], most: number): { shown: readonly T[]; more: number } {
  return { shown: rows.slice(0, most), more: Math.max(0, rows.length - most) };
}
