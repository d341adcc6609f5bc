import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from '../report.ts';
import { ratio, round, spread } from '../statistics.ts';

const root = join(import.meta.dirname, '../..');
const built = join(root, 'build/bench');
const warmUp = 20;

/** Start to exit of the shim answering VERSION, against an empty static program compiled the same way. */
export async function benchShim(rounds: number): Promise<Report> {
  mkdirSync(built, { recursive: true });
  const [pairs, empty] = ['pairs', 'empty'].map(compile);
  const stdin = join(built, 'version.json');
  writeFileSync(stdin, '{"cniVersion":"1.1.0"}');
  const shim = join(root, 'build/shim/multi-nic');
  const output = execFileSync(String(pairs), [String(rounds + warmUp), stdin, shim, String(empty)], {
    env: { CNI_COMMAND: 'VERSION' },
    encoding: 'utf8',
  });
  const times = output
    .trim()
    .split('\n')
    .slice(warmUp)
    .map((line) => line.split(' ').map((ns) => Number(ns) / 1e6));
  const [ours, peer] = [0, 1].map((column) => times.map((pair) => pair[column] ?? Number.NaN));
  return shimReport(ours ?? [], peer ?? []);
}

function compile(name: string): string {
  const output = join(built, name);
  execFileSync(process.env['CC'] ?? 'gcc', [
    '-Os',
    '-static',
    '-s',
    '-o',
    output,
    join(import.meta.dirname, `${name}.c`),
  ]);
  return output;
}

function shimReport(ours: readonly number[], peer: readonly number[]): Report {
  const [shim, empty] = [spread(ours), spread(peer)];
  return {
    title: 'shim: VERSION, start to exit',
    rows: [
      { name: 'multi-nic', ms: shim, ratio: ratio(ours, peer) },
      { name: 'empty static program', ms: empty },
    ],
    json: {
      shim: { ms: round(shim.median), emptyMs: round(empty.median), ratioToEmpty: round(ratio(ours, peer)) },
    },
  };
}
