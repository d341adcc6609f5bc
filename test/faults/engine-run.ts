import { setTimeout as sleep } from 'node:timers/promises';
import type { Harness, HarnessState } from '../support/attach/client.ts';
import { orphansOf } from '../support/attach/consistent.ts';
import { createWorld } from '../support/attach/world.ts';
import { type Books, openBooks } from './books.ts';
import type { EnginePoint, Point } from './daemon-points.ts';
import { patienceMs } from './patience.ts';
import { type Place, placeCall, prepare, scenes, startEngine } from './scenes.ts';
import { difference, stateOf } from './state.ts';

/** What became of one point. */
export interface Outcome extends Pick<Point, 'victim' | 'name'> {
  /** One text for each thing that was left, or why the point could not be reached. */
  readonly left: readonly string[];
  readonly ms: number;
}

export interface RunOptions {
  readonly onOutcome?: (outcome: Outcome) => void;
  /** Called before the look for leftovers; a test leaves something there. */
  readonly beforeLook?: (place: Place) => void;
}

/**
 * Goes through the points, each in a pod of its own: fault, restart, DEL, look. The engine that was started anew after one point is
 * the one in which the next is brought about.
 */
export async function runEnginePoints(
  points: readonly EnginePoint[],
  { onOutcome, beforeLook }: RunOptions = {},
): Promise<Outcome[]> {
  if (points.length === 0) return [];
  const world = createWorld(2);
  const outcomes: Outcome[] = [];
  let books: Books | undefined;
  try {
    prepare(world);
    books = await openBooks(
      world,
      points.some(({ scene }) => scene === scenes.dhcp),
    );
    const before = await stateOf(world.host);
    const fresh = await stateOf(world.pod());
    let running: { readonly harness: Harness; readonly scene: EnginePoint['scene'] } | undefined;
    for (const [index, point] of points.entries()) {
      const { scene, victim, name } = point;
      const start = performance.now();
      if (running?.scene !== scene) await running?.harness.kill();
      const home = { world, books, scene };
      const harness: Harness = running?.scene === scene ? running.harness : await startEngine(home);
      const place = { ...home, harness, netns: world.pod(), container: `fault-${index}` };
      const left = await tried(async () => {
        try {
          await point.run(place);
        } finally {
          await harness.kill();
        }
        const next = await startEngine(home);
        running = { harness: next, scene };
        await next.call(placeCall('DEL', place));
        await allBack(next);
        beforeLook?.(place);
        return [
          ...recordsLeft(await next.look()),
          ...(await place.books.left()),
          ...difference('pod', fresh, await stateOf(place.netns)),
          ...difference('host', before, await stateOf(world.host)),
          ...orphansOf(world.folder).map((pid) => `process ${pid}`),
        ];
      });
      const outcome = { victim, name: `${scene.name}: ${name}`, left, ms: performance.now() - start };
      outcomes.push(outcome);
      onOutcome?.(outcome);
      world.namespaces.remove(place.netns);
      if (left.length > 0) {
        await running?.harness.kill();
        running = undefined;
      }
    }
  } finally {
    books?.end();
    await world.end();
  }
  return outcomes;
}

/** A NIC that comes back has its cable noticed a moment later. */
async function allBack(harness: Harness): Promise<void> {
  for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(50)) {
    await harness.settleLent();
    if ((await harness.look()).counts['lent'] === 0) return;
  }
}

export async function tried(work: () => Promise<string[]>): Promise<string[]> {
  try {
    return await work();
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

function recordsLeft({ counts, pools }: HarnessState): string[] {
  const rows = ['attachments', 'addresses', 'masters', 'lent'].flatMap((table) => {
    const count = counts[table] ?? 0;
    return count === 0 ? [] : [`${count} ${table} in the store`];
  });
  const held = pools.flatMap(({ allocations }) => allocations.map(({ address }) => `address ${address} in its pool`));
  return [...rows, ...held];
}
