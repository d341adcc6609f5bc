import { setTimeout as sleep } from 'node:timers/promises';
import { type Step, steps } from '../../src/daemon/attach/context.ts';
import type { Harness } from '../support/attach/client.ts';
import { callOf, plansText, pluginDirectory, type World } from '../support/attach/world.ts';

/** Where what is killed, by name, and how it comes to that. */
export interface Point {
  readonly victim: 'daemon' | 'delegate' | 'shim';
  /** `ADD at add:committed`. */
  readonly name: string;
}

/** What a point works on: a pod that nobody has used. */
export interface Place {
  readonly world: World;
  readonly netns: string;
  readonly container: string;
}

/** A point that the engine's process and its delegates can be brought to. */
export interface EnginePoint extends Point {
  /** Brings the fault about; afterwards the engine may be dead or alive. */
  run(place: Place): Promise<void>;
}

const network = 'red';
export const plans = plansText([{ network, blocks: { eth1: ['10.5.1.0/27'], eth2: ['10.5.2.0/27'] } }]);

const adding = steps.filter((step) => step.startsWith('add:'));
const undoing = steps.filter((step) => step.startsWith('del:'));

/** Fails on the second NIC, so that the first one is undone. */
const failing = 'in=$(cat); case "$CNI_COMMAND$in" in ADD*eth2*) exit 7;; esac; printf %s "$in" | $REAL';

export function daemonPoints(): EnginePoint[] {
  return [
    ...adding.map((step) => daemonPoint(`ADD at ${step}`, step, (harness, place) => add(harness, place))),
    ...undoing.map((step) =>
      daemonPoint(`DEL at ${step}`, step, async (harness, place) => {
        await add(harness, place);
        await del(harness, place);
      }),
    ),
    ...undoing.map((step) =>
      daemonPoint(`failed ADD, undone, at ${step}`, step, (harness, place) => add(harness, place, failing)),
    ),
    ...undoing.map(
      (step): EnginePoint => ({
        victim: 'daemon',
        name: `start after a crash, at ${step}`,
        async run(place) {
          await killedAt('add:delegates', place, (harness) => add(harness, place));
          // It dies before it serves.
          await place.world
            .start({ plans, killAt: { step, occurrence: 1, phase: 'recovering' } })
            .then(async (harness) => {
              await harness.kill();
              throw new Error(`it was not killed at ${step}`);
            })
            .catch((error: unknown) => {
              if (!String(error).includes('harness ended')) throw error;
            });
        },
      }),
    ),
    {
      victim: 'daemon',
      name: 'ADD while a delegate runs',
      async run(place) {
        const harness = await place.world.start({ plans });
        const slow = '[ "$CNI_COMMAND" = ADD ] && { echo > $0.begun; sleep 1; }; exec $REAL';
        const call = add(harness, place, slow);
        const begun = async (): Promise<boolean> => (await harness.look()).counts['attachments'] !== 0;
        while (!(await begun())) await sleep(20);
        await sleep(200);
        await harness.kill();
        await call;
      },
    },
  ];
}

function daemonPoint(
  name: string,
  step: Step,
  work: (harness: Harness, place: Place) => Promise<unknown>,
): EnginePoint {
  return { victim: 'daemon', name, run: (place) => killedAt(step, place, (harness) => work(harness, place)) };
}

async function killedAt(step: Step, place: Place, work: (harness: Harness) => Promise<unknown>): Promise<void> {
  const harness = await place.world.start({ plans, killAt: { step, occurrence: 1, phase: 'serving' } });
  await work(harness);
  const ended = await Promise.race([harness.ended.then(() => true), sleep(10_000, false)]);
  if (!ended) {
    await harness.kill();
    throw new Error(`${step} was not passed: nothing was killed`);
  }
}

/** ADD, whatever comes of it. */
export async function add(harness: Harness, { world, netns, container }: Place, script?: string): Promise<void> {
  const path = script === undefined ? [pluginDirectory] : [world.delegate('macvlan', script), pluginDirectory];
  await harness.call(callOf('ADD', { network, container, netns, path })).catch(() => undefined);
}

async function del(harness: Harness, { netns, container }: Place): Promise<void> {
  await harness.call(callOf('DEL', { network, container, netns })).catch(() => undefined);
}
