import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient, type KubeClient } from '../../../src/kube/calls/client.ts';
import { createElection } from '../../../src/kube/lease/election.ts';
import { electionTimes } from '../../../src/kube/lease/election-pace.ts';
import { createLeadership } from '../../../src/kube/lease/leadership.ts';
import { silent } from '../../../src/kube/logger.ts';
import { runOperator } from '../../../src/operator/run.ts';
import { layWire, type Wire } from '../../e2e/control-plane/wire.ts';
import { startWorld, type World } from '../../support/operator/world.ts';
import { countsOf } from '../../support/outage/counting.ts';
import { type Outage, outages } from '../../support/outage/faults.ts';
import { createHours, type Hours } from '../../support/outage/hours.ts';

const minute = 60_000;
const stop = new AbortController();
const clients: KubeClient[] = [];
let world: World;
let line: Wire;
let hours: Hours;
let ended: Promise<void>;
let leads: () => boolean;

beforeAll(async () => {
  world = await startWorld();
  line = await layWire(world.url);
  hours = createHours(() => 0);
  const { clock } = hours;
  const leadership = createLeadership(clock);
  leads = () => leadership.holds();
  const clientOf = (mayWrite?: () => boolean): KubeClient => {
    const cluster = { server: line.url, tls: {}, authorization: () => Promise.resolve('Bearer operator-token') };
    const client = createClient({ cluster, userAgent: 'operator', clock, ...(mayWrite && { mayWrite }) });
    clients.push(client);
    return client;
  };
  const election = createElection({
    client: clientOf(),
    namespace: 'default',
    name: 'multinic-operator',
    identity: 'one',
    leadership,
    clock,
    logger: silent,
    signal: stop.signal,
  });
  ended = runOperator({ client: clientOf(leads), logger: silent, signal: stop.signal, clock, election });
  await hours.pass(minute);
});

afterAll(async () => {
  stop.abort();
  await hours?.pass(minute);
  await ended;
  await Promise.all(clients.map((client) => client.close()));
  await world?.close();
  await line?.close();
  hours?.close();
});

const kinds = outages.filter(({ name }) => name === 'gone' || name === '429, Retry-After');
/** A try each 2 s, less a fifth. */
const most = (10 * minute) / (electionTimes.retryMs * 0.8) + 1;

test.each(kinds)(
  'ten minutes of $name: who leads stops, campaigns at its pace, and leads again',
  async (kind: Outage) => {
    expect(leads()).toBe(true);
    hours.wire.take();
    const { how } = kind;
    if (how === 'away') line.cut('reset');
    else {
      world.cutWatches();
      world.intercept = (_request, user) => {
        if (user !== 'admin' && typeof how !== 'string') throw how;
      };
    }
    await hours.pass(10 * minute);
    expect(leads()).toBe(false);
    const counts = countsOf(hours.wire.take());
    console.log(`ten minutes of ${kind.name}: ${counts[0]?.calls} × ${counts[0]?.loop}`);
    // Asked to wait, it waits; but the renewal is tried once more before its deadline, and who has lost the lease lists anew.
    const pace = kind.retryAfter === undefined ? most : (10 * minute) / (kind.retryAfter * 1000) + 3;
    for (const { calls, loop } of counts) expect(calls, loop).toBeLessThanOrEqual(pace);
    world.intercept = undefined;
    if (how === 'away') line.mend();
    await hours.pass(2 * minute);
    expect(leads()).toBe(true);
  },
);
