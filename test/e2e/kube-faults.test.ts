import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultRuns } from '../support/faults/runs.ts';
import { seedsOf } from '../support/faults/seeds.ts';
import { accessFrom } from '../support/kube-rest.ts';
import { type Alone, startAlone } from './control-plane/alone.ts';
import { realOrSkip } from './real.ts';

const real = realOrSkip();
let alone: Alone | undefined;
beforeAll(async () => {
  if (real !== undefined) alone = await startAlone(real);
});
afterAll(() => alone?.close());

test('1,000 random fault runs in front of a real API server: every copy ends as the server', async () => {
  if (alone === undefined) return;
  const seeds = seedsOf(1_000, 1_000);
  const access = accessFrom(alone.kubeconfig);
  const report = await faultRuns({ access, seeds, width: 125, faultsMs: 2_000 });
  expect(report.problems).toEqual([]);
  // How many there were depends on how slow the machine is: over three for each run, or half of that when it has other work.
  expect([...report.faults.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(seeds.length);
}, 300_000);
