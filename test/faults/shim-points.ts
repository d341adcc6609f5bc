import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FakeDelegate, fakeDelegate } from '../conformance/fake-delegate.ts';
import { startOurs } from '../conformance/ours.ts';
import { createTrial, type Pod, type Trial } from '../conformance/trial.ts';
import type { Point } from './daemon-points.ts';
import { type Outcome, type RunOptions, tried } from './engine-run.ts';

interface ShimPoint extends Point {
  run(trial: Trial, pod: Pod): Promise<void>;
}

/** Slow enough to be killed around, wherever the machine is. */
const slowAdd = '[ "$CNI_COMMAND" = ADD ] && sleep 1';

export const shimPoints: readonly ShimPoint[] = [
  {
    victim: 'shim',
    name: 'ADD as soon as it is started',
    run: async (trial, pod) => void (await trial.call('ADD', pod, { started: (kill) => kill() })),
  },
  {
    victim: 'shim',
    name: 'ADD while delegates run',
    run: (trial, pod) => killedWhen(trial, 'ADD', pod, fakeDelegate(trial, 'slow', slowAdd)),
  },
  {
    victim: 'shim',
    name: 'ADD while it waits for a daemon that is away',
    async run(trial, pod) {
      const wrap = trial.subject.daemon?.hidden ?? [];
      await trial.call('ADD', pod, { wrap, started: (kill) => void sleep(500).then(kill) });
    },
  },
  {
    victim: 'shim',
    name: 'DEL as soon as it is started',
    async run(trial, pod) {
      await trial.call('ADD', pod);
      await trial.call('DEL', pod, { started: (kill) => kill() });
    },
  },
  {
    victim: 'shim',
    name: 'DEL while the daemon is at it',
    run: (trial, pod) => killedThroughout(trial, pod),
  },
  {
    victim: 'shim',
    name: 'DEL while it writes into the spool',
    run: (trial, pod) => killedThroughout(trial, pod, trial.subject.daemon?.hidden),
  },
];

/** What is to be hit takes less than a millisecond, and when it comes differs: all moments of a DEL are gone through, ms. */
const moments = [0, 4, 8, 13, 19, 28];

/** ADD and a killed DEL, once for each moment. @param wrap around the DEL's shim */
async function killedThroughout(trial: Trial, pod: Pod, wrap: readonly string[] = []): Promise<void> {
  for (const ms of moments) {
    const add = await trial.call('ADD', pod);
    // A DEL that reached the spool may be replayed just now: the runtime would ask again.
    if (add.status !== 0) await trial.call('ADD', pod);
    await trial.call('DEL', pod, { wrap, started: (kill) => void sleep(ms).then(kill) });
  }
}

/** Kills the shim once the delegate has been called. */
async function killedWhen(trial: Trial, command: 'ADD' | 'DEL', pod: Pod, delegate: FakeDelegate): Promise<void> {
  let over = false;
  const run = trial.call(command, pod, {
    path: delegate.path,
    started: (kill) => void untilCalled(delegate, () => over).then(kill),
  });
  await run;
  over = true;
  if (delegate.calls().length === 0) throw new Error('no delegate was called: the shim was killed too early');
}

async function untilCalled(delegate: FakeDelegate, over: () => boolean): Promise<void> {
  while (delegate.calls().length === 0 && !over()) await sleep(10);
}

/** The real shim and a live daemon: the shim is killed, then the runtime sends DEL. */
export async function runShimPoints(
  root: string,
  points: readonly ShimPoint[] = shimPoints,
  { onOutcome }: RunOptions = {},
): Promise<Outcome[]> {
  const place = await startOurs('macvlan', root, 1);
  const outcomes: Outcome[] = [];
  try {
    for (const [index, point] of points.entries()) {
      const start = performance.now();
      const folder = join(place.dir, `fault-${index}`);
      mkdirSync(folder);
      const trial = createTrial({ ...place, version: '1.0.0', folder });
      try {
        const left = await tried(async () => {
          const pod = await trial.pod();
          await point.run(trial, pod);
          const del = await trial.call('DEL', pod);
          if (del.status !== 0) return [`DEL afterwards failed: ${del.stdout}`];
          return leftOf(trial, pod, join(place.host.dir, 'var/lib/multinic/spool'));
        });
        const outcome = { victim: point.victim, name: point.name, left, ms: performance.now() - start };
        outcomes.push(outcome);
        onOutcome?.(outcome);
      } finally {
        await trial.end();
      }
    }
  } finally {
    await place.close();
  }
  return outcomes;
}

/** What is left, once the spool has been replayed. Unfinished files of killed shims are the daemon's to clear, later. */
async function leftOf(trial: Trial, pod: Pod, spool: string): Promise<string[]> {
  const look = async (): Promise<string[]> => [
    ...(await pod.links()).map(({ name }) => `link ${name}`),
    ...((await trial.subject.held?.(pod.id)) ?? []).map((held) => `held: ${held}`),
    ...readdirSync(spool)
      .filter((name) => !name.startsWith('.') && name !== 'broken')
      .map((name) => `spool entry ${name}`),
  ];
  for (const end = Date.now() + 15_000; ; await sleep(50)) {
    const left = await look();
    if (left.length === 0 || Date.now() > end) return left;
  }
}
