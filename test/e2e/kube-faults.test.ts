import { afterAll, beforeAll, test } from 'vitest';
import { expectRight } from '../support/faults/judge.ts';
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
  const report = await faultRuns({ access, seeds, width: 125, faultsMs: 1_000 });
  expectRight(report, false);
}, 3_600_000);

test('what no server sends, in front of a real one: events twice, bookmarks that run ahead of its history', async () => {
  if (alone === undefined) return;
  const access = accessFrom(alone.kubeconfig);
  const report = await faultRuns({ access, seeds: seedsOf(1, 60), width: 60, faultsMs: 1_000, lies: true });
  expectRight(report, true);
});
