import { setTimeout as sleep } from 'node:timers/promises';
import { type Step, steps } from '../../src/daemon/attach/deps.ts';
import { inTime } from './patience.ts';
import { type Place, placeCall, type Scene, startEngine } from './scenes.ts';

/** Where what is killed, by name, and how it comes to that. */
export interface Point {
  readonly victim: 'daemon' | 'delegate' | 'shim' | 'daemon and delegate' | 'daemon and shim';
  /** `ADD at add:committed`. */
  readonly name: string;
}

/** A point that the engine's process and its delegates can be brought to. */
export interface EnginePoint extends Point {
  readonly scene: Scene;
  /** Brings the fault about; afterwards the engine may be dead or alive. */
  run(place: Place): Promise<void>;
}

const adding = steps.filter((step) => step.startsWith('add:'));
const undoing = steps.filter((step) => step.startsWith('del:'));

/** Fails on the second NIC, so that the first one is undone. */
const failing = 'case "$CNI_COMMAND $CNI_IFNAME" in "ADD net1-1") exit 7;; esac; exec $REAL';

export function daemonPoints(scene: Scene): EnginePoint[] {
  const point = (name: string, run: EnginePoint['run']): EnginePoint => ({ victim: 'daemon', scene, name, run });
  const killed = (name: string, step: Step, work: (place: Place) => Promise<unknown>): EnginePoint =>
    point(name, (place) => killedAt(step, place, work));
  return [
    ...adding.map((step) => killed(`ADD at ${step}`, step, add)),
    ...undoing.map((step) =>
      killed(`DEL at ${step}`, step, async (place) => {
        await add(place);
        await del(place);
      }),
    ),
    ...undoing.map((step) =>
      killed(`failed ADD, undone, at ${step}`, step, (place) => add(place, standIn(place, failing))),
    ),
    ...undoing.map((step) =>
      point(`start after a crash, at ${step}`, async (place) => {
        await killedAt('add:delegates', place, add);
        // It dies before it serves.
        await startEngine(place, { step, occurrence: 1, phase: 'recovering' }).then(
          async (harness) => {
            await harness.kill();
            throw new Error(`it was not killed at ${step}`);
          },
          (error: unknown) => {
            if (!String(error).includes('harness ended')) throw error;
          },
        );
      }),
    ),
    point('ADD while a delegate runs', async (place) => {
      const slow = '[ "$CNI_COMMAND" = ADD ] && sleep 1; exec $REAL';
      const call = add(place, standIn(place, slow));
      while ((await place.harness.look()).counts['attachments'] === 0) await sleep(20);
      await sleep(200);
      await place.harness.kill();
      await call;
    }),
  ];
}

export async function killedAt(step: Step, place: Place, work: (place: Place) => Promise<unknown>): Promise<void> {
  await place.harness.killAt({ step, occurrence: 1, phase: 'serving' });
  await work(place);
  await inTime(place.harness.ended, `${step} was not passed: nothing was killed`);
}

/** ADD, whatever comes of it. @param stand as of placeCall */
export async function add(place: Place, stand?: string): Promise<void> {
  await place.harness.call(placeCall('ADD', place, stand)).catch(() => undefined);
}

function standIn({ world, scene }: Place, script: string): string {
  return world.delegate(scene.plugin, script);
}

/** DEL, whatever comes of it. */
export async function del(place: Place): Promise<void> {
  await place.harness.call(placeCall('DEL', place)).catch(() => undefined);
}
