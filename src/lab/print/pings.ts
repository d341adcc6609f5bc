import type { PingCount } from '../ping.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';

/** Pods whose full names and counts fit side by side; of more, one character each. */
const wide = 8;

/** From (rows) to (columns): answers of pings over all NICs together. */
export function pingMatrix(counts: readonly PingCount[], style: Style): string[] {
  const names = [...new Set(counts.map(({ from }) => from))].sort((a, b) =>
    a.localeCompare(b, 'en', { numeric: true }),
  );
  const sums = new Map<string, { sent: number; received: number }>();
  for (const { from, to, sent, received } of counts) {
    const sum = sums.get(`${from} ${to}`) ?? { sent: 0, received: 0 };
    sums.set(`${from} ${to}`, { sent: sum.sent + sent, received: sum.received + received });
  }
  const small = names.length > wide;
  const cell = (from: string, to: string) => {
    const sum = sums.get(`${from} ${to}`);
    if (sum === undefined) return style.dim('-');
    const text = small ? (sum.sent === sum.received ? '.' : '!') : `${sum.received}/${sum.sent}`;
    return sum.sent === sum.received ? style.good(text) : style.bad(text);
  };
  if (small) return names.map((from) => `${from.padEnd(12)} ${names.map((to) => cell(from, to)).join('')}`);
  return table([['from \\ to', ...names], ...names.map((from) => [from, ...names.map((to) => cell(from, to))])]);
}

/** What was lost, a line each: at most ten. */
export function lostPings(counts: readonly PingCount[]): string[] {
  const lost = counts.filter(({ sent, received }) => received < sent);
  const lines = lost
    .slice(0, 10)
    .map(
      ({ from, to, link, address, sent, received }) => `${from} ${link} to ${to} ${address}: ${received} of ${sent}`,
    );
  return lost.length > 10 ? [...lines, `and ${lost.length - 10} more`] : lines;
}
