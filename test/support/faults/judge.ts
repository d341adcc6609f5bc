import { expect } from 'vitest';
import { kindsOf } from './proxy.ts';
import type { FaultReport } from './runs.ts';

/** Every copy ended as the server; no run was without a fault, and every kind was met by as many runs as were owed it. */
export function expectRight(report: FaultReport, lies: boolean): void {
  expect(report.problems).toEqual([]);
  const kinds = kindsOf(lies);
  const counts = kinds.map((kind) => [kind, report.faults.get(kind) ?? 0] as const).toSorted(([, a], [, b]) => a - b);
  const all = counts.reduce((sum, [, count]) => sum + count, 0);
  const told = counts.map(([kind, count]) => `${kind} ${count}`).join(', ');
  console.log(`${report.runs} runs, ${all} faults, at least ${report.fewest} a run, ${report.writes} writes: ${told}`);
  expect(report.fewest).toBeGreaterThan(0);
  // One seed alone, run again, owes one kind.
  const least = Math.floor(report.runs / kinds.length);
  for (const [kind, count] of counts) expect(count, kind).toBeGreaterThanOrEqual(least);
}
