import { setTimeout as sleep } from 'node:timers/promises';
import { type FakeDelegate, fakeDelegate } from '../conformance/fake-delegate.ts';
import type { HostPoint, HostScene, Site } from './host-run.ts';
import { bothKilledAt, stepping } from './whole-daemon.ts';

/** Attached by the real shim and the whole daemon, with the usual configuration. */
export const shimScene: HostScene = { name: 'shim', wish: {}, serves: { program: stepping } };

/** Slow enough to be killed around, wherever the machine is. */
const slowAdd = '[ "$CNI_COMMAND" = ADD ] && sleep 1';

const killed: readonly Omit<HostPoint, 'scene'>[] = [
  {
    victim: 'shim',
    name: 'ADD as soon as it is started',
    run: async ({ call }) => void (await call('ADD', { started: (kill) => kill() })),
  },
  {
    victim: 'shim',
    name: 'ADD while delegates run',
    run: (site) => killedWhen(site, 'ADD', fakeDelegate(site.trial, 'slow', slowAdd)),
  },
  {
    victim: 'shim',
    name: 'ADD while it waits for a daemon that is away',
    async run({ trial, call }) {
      const wrap = trial.subject.daemon?.hidden ?? [];
      await call('ADD', { wrap, started: (kill) => void sleep(500).then(kill) });
    },
  },
  {
    victim: 'shim',
    name: 'DEL as soon as it is started',
    async run({ call }) {
      await call('ADD');
      await call('DEL', { started: (kill) => kill() });
    },
  },
  {
    victim: 'shim',
    name: 'DEL while the daemon is at it',
    run: (site) => killedThroughout(site),
  },
  {
    victim: 'shim',
    name: 'DEL while it writes into the spool',
    run: (site) => killedThroughout(site, site.trial.subject.daemon?.hidden),
  },
];

/** What is to be hit takes less than a millisecond, and when it comes differs: all moments of a DEL are gone through, ms. */
const moments = [0, 4, 8, 13, 19, 28];

/** ADD and a killed DEL, once for each moment. @param wrap around the DEL's shim */
async function killedThroughout({ call }: Site, wrap: readonly string[] = []): Promise<void> {
  for (const ms of moments) {
    const add = await call('ADD');
    // A DEL that reached the spool may be replayed just now: the runtime would ask again.
    if (add.status !== 0) await call('ADD');
    await call('DEL', { wrap, started: (kill) => void sleep(ms).then(kill) });
  }
}

/** Kills the shim once the delegate has been called. */
async function killedWhen({ call }: Site, command: 'ADD' | 'DEL', delegate: FakeDelegate): Promise<void> {
  let over = false;
  const run = call(command, {
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

/** Both are gone at one step: nobody is there to ask again, and nobody to undo. */
const together = [
  ...(['add:committed', 'add:delegates', 'add:before-finish', 'add:finished'] as const).map(
    (step) => ['ADD', step] as const,
  ),
  ...(['del:started', 'del:delegates-done', 'del:links-gone', 'del:removed'] as const).map(
    (step) => ['DEL', step] as const,
  ),
];

export const shimPoints: readonly HostPoint[] = [
  ...killed.map((point) => ({ ...point, scene: shimScene })),
  ...together.map(
    ([verb, step]): HostPoint => ({
      victim: 'daemon and shim',
      scene: shimScene,
      name: `${verb}, both at ${step}`,
      run: (site) => bothKilledAt(site, verb, step),
    }),
  ),
];
