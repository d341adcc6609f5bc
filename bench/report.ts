import { round, type Spread } from './statistics.ts';

/** What one bench found: rows for people, an object for programs. */
export interface Report {
  readonly title: string;
  readonly rows: readonly Row[];
  readonly json: Readonly<Record<string, unknown>>;
}

export interface Row {
  readonly name: string;
  readonly ms: Spread;
  /** Times the peer of the same run. */
  readonly ratio?: number;
}

/** A table for people. */
export function table(report: Report): string {
  const header = ['', 'median ms', 'min', 'max', 'rounds', 'ratio'];
  const lines = report.rows.map(({ name, ms, ratio }) => [
    name,
    ...[ms.median, ms.min, ms.max].map((value) => String(round(value))),
    String(ms.count),
    ratio === undefined ? '' : `${round(ratio)} x`,
  ]);
  const widths = header.map((_, column) => Math.max(...[header, ...lines].map((line) => line[column]?.length ?? 0)));
  const print = (line: readonly string[]) =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ');
  return [report.title, ...[header, ...lines].map((line) => `  ${print(line).trimEnd()}`)].join('\n');
}
