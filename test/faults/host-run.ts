import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type OurPlace, type OurWish, startOurs } from '../conformance/ours.ts';
import type { Run } from '../conformance/run-program.ts';
import { type CallWish, type Command, createTrial, type Pod, type Trial } from '../conformance/trial.ts';
import type { Point } from './daemon-points.ts';
import { type Outcome, type RunOptions, tried } from './engine-run.ts';
import { patienceMs } from './patience.ts';
import { difference, stateOf } from './state.ts';

/** How a container is attached on a host with the whole daemon and the real shim. */
export interface HostScene {
  readonly name: string;
  /** Of its calls. */
  readonly wish: CallWish;
  /** What else than usual the host serves. */
  readonly serves?: OurWish;
  /** Makes ready what its points need, once. */
  prepare?(place: OurPlace): Promise<void>;
}

/** What such a point works on: a daemon that serves, and a pod that nobody has used. */
export interface Site {
  readonly place: OurPlace;
  readonly trial: Trial;
  readonly pod: Pod;
  /** As the host was before the first point. */
  readonly before: readonly string[];
  /** A call as a runtime makes it. */
  readonly call: (command: Command, wish?: CallWish) => Promise<Run>;
}

/** A point that the whole daemon, the shim and what runs between them can be brought to. */
export interface HostPoint extends Point {
  readonly scene: HostScene;
  /** Brings the fault about; afterwards a daemon serves. */
  run(site: Site): Promise<void>;
}

export interface HostRunOptions extends RunOptions {
  /** Called before the look for leftovers; a test leaves something there. */
  readonly beforeHostLook?: (site: Site) => Promise<unknown>;
  /** How long what goes on by itself may take (the spool, the daemon's routes), ms. */
  readonly settleMs?: number;
}

/** Rows of the store that an attachment has. */
const tables = ['attachments', 'addresses', 'masters', 'lent'];

/** Goes through the points of one scene, each in a pod of its own: fault, restart, DEL, look. @param root a folder for the lab */
export async function runHostPoints(
  root: string,
  points: readonly HostPoint[],
  { onOutcome, beforeHostLook, settleMs = patienceMs }: HostRunOptions = {},
): Promise<Outcome[]> {
  const [first] = points;
  if (first === undefined) return [];
  const place = await startOurs('macvlan', root, 1, first.scene.serves);
  const outcomes: Outcome[] = [];
  try {
    await first.scene.prepare?.(place);
    const before = await stateOf(hostNetns(place));
    for (const [index, point] of points.entries()) {
      const { scene, victim, name } = point;
      const start = performance.now();
      const folder = join(place.dir, `fault-${index}`);
      mkdirSync(folder);
      const trial = createTrial({ ...place, version: '1.0.0', folder });
      try {
        const left = await tried(async () => {
          const pod = await trial.pod();
          const fresh = await stateOf(podNetns(place, pod));
          const call: Site['call'] = (command, wish) => trial.call(command, pod, { ...scene.wish, ...wish });
          const site = { place, trial, pod, before, call };
          await point.run(site);
          const del = await call('DEL');
          if (del.status !== 0) return [`DEL afterwards failed: ${del.stdout}`];
          await beforeHostLook?.(site);
          return leftOf(site, fresh, settleMs);
        });
        const outcome = { victim, name: `${scene.name}: ${name}`, left, ms: performance.now() - start };
        outcomes.push(outcome);
        onOutcome?.(outcome);
        if (left.length > 0) await restart(place);
      } finally {
        await trial.end();
      }
    }
  } finally {
    await place.close();
  }
  return outcomes;
}

/** Another daemon, whatever became of the one before. */
export async function restart({ process }: OurPlace): Promise<void> {
  await process.signal('SIGKILL');
  await process.start();
}

export function hostNetns({ host }: OurPlace): string {
  return `/proc/${host.pid}/ns/net`;
}

function podNetns({ host }: OurPlace, { netns }: Pod): string {
  return `/proc/${host.pid}/root${netns}`;
}

/** What is left, once the spool has been replayed. Unfinished files of killed shims are the daemon's to clear, later. */
async function leftOf(site: Site, fresh: readonly string[], settleMs: number): Promise<string[]> {
  const { place, pod, before } = site;
  const spool = join(place.host.dir, 'var/lib/multinic/spool');
  const look = async (): Promise<string[]> => {
    const counts = await place.counts();
    return [
      ...difference('pod', fresh, await stateOf(podNetns(place, pod))),
      ...difference('host', before, await stateOf(hostNetns(place))),
      ...((await place.subject.held(pod.id)) ?? []).map((held) => `held: ${held}`),
      ...tables.flatMap((table) => (counts[table] === 0 ? [] : [`${String(counts[table])} ${table} in the store`])),
      ...readdirSync(spool)
        .filter((name) => !name.startsWith('.') && name !== 'broken')
        .map((name) => `spool entry ${name}`),
    ];
  };
  for (const end = Date.now() + settleMs; ; await sleep(50)) {
    const left = await look();
    if (left.length === 0 || Date.now() > end) return left;
  }
}
