import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { daemonPoints } from './daemon-points.ts';
import { delegatePoints } from './delegate-points.ts';
import { type Outcome, runEnginePoints } from './engine-run.ts';
import { lentPoints } from './lent-points.ts';
import { scenes } from './scenes.ts';
import { runShimPoints } from './shim-points.ts';

/** Kills daemon, delegate or shim at each named step, restarts, sends DEL, and lists what is left. Fails when something is. */
async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { json: { type: 'boolean', default: false } } });
  // Engines are started a hundred times from the same sources.
  process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, '../../build/compile-cache');
  const say = values.json ? console.error : console.log;
  const root = mkdtempSync(join(tmpdir(), 'multinic-faults-'));
  try {
    const onOutcome = (outcome: Outcome): void => say(lineOf(outcome));
    // Each of them has a host of its own.
    const outcomes = await Promise.all([
      runEnginePoints([...daemonPoints(scenes.direct), ...daemonPoints(scenes.delegates)], { onOutcome }),
      runEnginePoints([...daemonPoints(scenes.chain), ...delegatePoints()], { onOutcome }),
      runEnginePoints(lentPoints(), { onOutcome }),
      runEnginePoints([...daemonPoints(scenes.bySource), ...daemonPoints(scenes.bySourceDelegates)], { onOutcome }),
      runShimPoints(root, { onOutcome }),
    ]).then((lists) => lists.flat());
    const leftovers = outcomes.reduce((sum, { left }) => sum + left.length, 0);
    say(`${outcomes.length} points, ${leftovers} things left`);
    if (values.json) console.log(JSON.stringify({ points: outcomes.length, leftovers }));
    if (leftovers > 0) process.exitCode = 1;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function lineOf({ victim, name, left, ms }: Outcome): string {
  const verdict = left.length === 0 ? 'clean' : `LEFT: ${left.join('; ')}`;
  return `${victim.padEnd(9)} ${name.padEnd(66)} ${(ms / 1000).toFixed(1).padStart(5)} s  ${verdict}`;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
