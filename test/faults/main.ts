import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Point } from './daemon-points.ts';
import { type Outcome, runEnginePoints } from './engine-run.ts';
import { engineGroups, hostGroups } from './groups.ts';
import { runHostPoints } from './host-run.ts';

const help = `npm run faults [-- OPTIONS]: kills daemon, delegates, IPAM plugins or the shim at named steps, restarts, sends DEL, lists what is left
  --only TEXT  only points whose name or scene contains TEXT
  --list       prints the names and runs nothing
  --json       progress on stderr, one line {"points":…,"leftovers":…} on stdout
`;

type TitleParts = Pick<Point, 'victim' | 'name'> & { readonly scene?: { readonly name: string } };

/** `daemon     host-local: ADD at add:committed`. */
function titleOf({ victim, name, scene }: TitleParts): string {
  return `${victim.padEnd(9)} ${scene === undefined ? '' : `${scene.name}: `}${name}`;
}

/** Kills daemon, delegate or shim at each named step, restarts, sends DEL, and lists what is left. Fails when something is. */
async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
    },
  });
  if (values.help) return console.log(help);
  const isMeant = (point: TitleParts): boolean => titleOf(point).includes(values.only);
  const engines = engineGroups().map((group) => group.filter(isMeant));
  const hosts = hostGroups().map((group) => group.filter(isMeant));
  const all = [...engines, ...hosts].flat();
  if (values.list) return console.log(all.map(titleOf).join('\n'));
  // Until all of them have run.
  process.exitCode = 1;
  // Engines are started a hundred times from the same sources.
  process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, '../../build/compile-cache');
  const say = values.json ? console.error : console.log;
  const root = mkdtempSync(join(tmpdir(), 'multinic-faults-'));
  try {
    let done = 0;
    const onOutcome = (outcome: Outcome): void => {
      done += 1;
      say(`${String(done).padStart(3)} of ${all.length}  ${lineOf(outcome)}`);
    };
    // Each of them has a host of its own.
    const outcomes = await Promise.all([
      ...engines.map((group) => runEnginePoints(group, { onOutcome })),
      ...hosts.map((group) => runHostPoints(root, group, { onOutcome })),
    ]).then((lists) => lists.flat());
    const leftovers = outcomes.reduce((sum, { left }) => sum + left.length, 0);
    say(`${outcomes.length} points, ${leftovers} things left`);
    if (values.json) console.log(JSON.stringify({ points: outcomes.length, leftovers }));
    process.exitCode = leftovers > 0 ? 1 : 0;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function lineOf(outcome: Outcome): string {
  const verdict = outcome.left.length === 0 ? 'clean' : `LEFT: ${outcome.left.join('; ')}`;
  return `${titleOf(outcome).padEnd(90)} ${(outcome.ms / 1000).toFixed(1).padStart(5)} s  ${verdict}`;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
