import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CniResult } from '../../../src/cni/types.ts';
import { steps as allSteps, type Step } from '../../../src/daemon/attach/deps.ts';
import { type Harness, Refused } from '../../support/attach/client.ts';
import { expectConsistent, orphansOf } from '../../support/attach/consistent.ts';
import { callOf, createWorld, plansText, pluginDirectory, type World } from '../../support/attach/world.ts';

/** Those of NICs that are lent are in test/faults: no network here lends any. */
const steps = allSteps.filter((step) => !step.startsWith('lent:'));
/** A kill counts when the next start finds an attachment by halves. */
const wanted = { perStep: 8, random: 30, total: 100 } as const;
/** A guard against a test that never ends: some kills find nothing to finish. */
const mostRounds = 260;
const plans = plansText([{ network: 'red', blocks: { eth1: ['10.5.1.0/27'], eth2: ['10.5.2.0/27'] } }]);
const podCount = 6;

let world: World;
let slow: readonly string[];
beforeAll(() => {
  world = createWorld(2);
  // What an orphan would do: make its link 2 s later, when its address may be another's.
  slow = [world.delegate('macvlan', '[ "$CNI_COMMAND" = ADD ] && sleep 2; exec $REAL'), pluginDirectory];
});
afterAll(async () => world.end());

/** What a runtime knows of one pod: which container, and the answer it has for it, if it got one. */
interface Pod {
  readonly netns: string;
  readonly slow: boolean;
  container: string;
  answer: CniResult | undefined;
  /** A call got no answer: the runtime repeats ADD or sends DEL. */
  unsure: boolean;
}

/** Plays a container runtime for one pod until the engine is gone: ADD, DEL, and again with another container. */
async function play(harness: Harness, pod: Pod, round: number): Promise<void> {
  const path = pod.slow ? slow : [pluginDirectory];
  for (let turn = 0; ; turn += 1) {
    const adds = pod.answer === undefined && !(pod.unsure && (round + turn) % 2 === 0);
    const call = callOf(adds ? 'ADD' : 'DEL', { network: 'red', container: pod.container, netns: pod.netns, path });
    pod.unsure = true;
    // Between asking for DEL and its answer nobody knows.
    if (!adds) pod.answer = undefined;
    try {
      const result = await harness.call(call);
      pod.answer = result;
      pod.unsure = false;
      if (!adds) pod.container = `${pod.container.split('.')[0]}.${round}.${turn}`;
    } catch (error) {
      if (error instanceof Refused)
        throw new Error(`${call.verb} ${call.key.containerID}: ${error.message}`, { cause: error });
      return;
    }
  }
}

/** Steps in turn, then `undefined` for a kill at a random moment, as long as each is short of its number. */
function next(found: ReadonlyMap<string, number>, round: number): Step | undefined | 'done' {
  const short: (Step | undefined)[] = steps.filter((step) => (found.get(step) ?? 0) < wanted.perStep);
  if ((found.get('random') ?? 0) < wanted.random) short.push(undefined);
  return short.length === 0 ? 'done' : short[round % short.length];
}

test('kill -9 at every step and at random: nothing leaks, nothing is given out twice, answers stay true', {
  timeout: 1_200_000,
}, async () => {
  const pods: Pod[] = Array.from({ length: podCount }, (_, index) => ({
    netns: world.pod(),
    slow: index === 0,
    container: `c${index}`,
    answer: undefined,
    unsure: false,
  }));
  const found = new Map<string, number>();
  const seen = { kills: 0, pending: 0, deleting: 0, orphans: 0, whileRecovering: 0 };
  let before: string | undefined;
  for (let round = 0; ; round += 1) {
    if (round % 7 === 6) seen.whileRecovering += await killRecovery(round);
    const step = next(found, round);
    const killAt =
      step === undefined || step === 'done'
        ? {}
        : { killAt: { step, occurrence: 1 + (round % 3), phase: 'serving' as const } };

    const harness = await world.start({ plans, ...killAt });
    const { recovery } = harness;
    expect(recovery.failed).toEqual([]);
    if (before !== undefined) {
      seen.kills += 1;
      seen.orphans += recovery.orphans;
      seen.pending += recovery.found.pending;
      seen.deleting += recovery.found.deleting;
      if (recovery.found.pending + recovery.found.deleting > 0) found.set(before, (found.get(before) ?? 0) + 1);
    }
    await expectConsistent(world, harness, pods);
    if (step === 'done') {
      await finish(harness, pods);
      break;
    }
    expect(round, 'rounds').toBeLessThan(mostRounds);
    // One after the other, so that some are in the middle whenever another is done: kills behind a step find something, too.
    const played = Promise.all(pods.map((pod, index) => sleep(index * 12).then(() => play(harness, pod, round))));
    if (step === undefined) {
      await untilBusy(harness);
      await sleep((round * 37) % 45);
      await harness.kill();
    }
    await harness.ended;
    await played;
    before = step ?? 'random';
  }
  const perStep = Object.fromEntries([...steps, 'random'].map((name) => [name, found.get(name) ?? 0]));
  process.stdout.write(
    `kills that left an attachment by halves, by step: ${JSON.stringify(perStep)} ${JSON.stringify(seen)}\n`,
  );
  for (const step of steps) expect(found.get(step), step).toBeGreaterThanOrEqual(wanted.perStep);
  expect([...found.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(wanted.total);
  expect(seen.whileRecovering).toBeGreaterThan(5);
  // The delegate that sleeps was among what was killed around.
  expect(seen.orphans).toBeGreaterThan(10);
});

/** Something is in the middle of being made or undone. */
async function untilBusy(harness: Harness): Promise<void> {
  for (const end = Date.now() + 5000; Date.now() < end; await sleep(3)) {
    if ((await harness.look()).records.some(({ state }) => state !== 'ready')) return;
  }
}

/** Starts and kills at a step of the recovery itself. @returns 1 if there was something to recover */
async function killRecovery(round: number): Promise<number> {
  const undoing = steps.filter((step) => step.startsWith('del:'));
  const step = undoing[round % undoing.length] ?? 'del:started';
  try {
    const harness = await world.start({ plans, killAt: { step, occurrence: 1, phase: 'recovering' } });
    await harness.kill();
    return 0;
  } catch {
    return 1;
  }
}

/** DEL of all: nothing is left, also after an orphan would have woken up. */
async function finish(harness: Harness, pods: readonly Pod[]): Promise<void> {
  await Promise.all(
    pods.map(({ container, netns }) => harness.call(callOf('DEL', { network: 'red', container, netns }))),
  );
  expect(orphansOf(world.folder)).toEqual([]);
  await sleep(2200);
  for (const { netns } of pods) expect(await world.links(netns)).toEqual([]);
  const { counts, pools } = await harness.look();
  expect(counts).toMatchObject({ attachments: 0, addresses: 0, masters: 0 });
  expect(pools.flatMap(({ allocations }) => allocations)).toEqual([]);
}
