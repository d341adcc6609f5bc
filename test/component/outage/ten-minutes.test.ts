import { afterAll, beforeAll, expect, test } from 'vitest';
import { missingMs } from '../../../src/operator/caches.ts';
import { boundOf, countsOf, lineOf, tooSoon } from '../../support/outage/counting.ts';
import { meets, type Outage, outages } from '../../support/outage/faults.ts';
import { macvlan, type Stage, startStage } from '../../support/outage/stage.ts';

const minute = 60_000;
const outage = 10 * minute;
/** Pods come or go so often while it lasts, ms: news for the daemon. */
const podsEvery = 20_000;
let stage: Stage;
let pods = 0;
let joined = 1;

beforeAll(async () => {
  stage = await startStage();
  await stage.applyReady('net', macvlan({ namespaces: ['default'] }));
});
afterAll(() => stage?.close());

test.each(outages)('ten minutes of $name: nothing crashes, no loop runs hot, all is right in the end', async (kind) => {
  const { world, hours, daemon } = stage;
  const round = outages.indexOf(kind);
  hours.wire.take();
  const end = await begin(kind);
  // Something to do for every loop, which cannot be done for now: a host, a namespace, an edit, pods.
  joined += 1;
  await stage.joinSilent(`silent-${round}`, round + 10);
  await world.addNamespace(`ns-${round}`);
  await world.apply('net', macvlan({ namespaces: ['default', `ns-${round}`] }));
  for (let passed = 0; passed < outage; passed += podsEvery) {
    pods += 1;
    daemon.pods(pods);
    await hours.pass(podsEvery);
  }
  const sent = hours.wire.take().filter(({ agent }) => !agent.startsWith('test-admin'));
  await end();

  const counts = countsOf(sent);
  console.log(lineOf(kind, counts));
  // The daemon looks at everything again each minute.
  const news = outage / podsEvery + outage / minute;
  for (const { loop, calls } of counts) {
    expect(calls, loop).toBeLessThanOrEqual(boundOf(loop, kind, outage, loop.includes('daemon') ? news : 0));
  }
  expect(tooSoon(sent, kind)).toEqual([]);
  if (kind.name === '404') {
    // What its absence has counted does not go on: the operator has listed its kinds, and then the network's key has its news.
    await hours.pass(missingMs + 5_000);
    expect((await world.network('net')).status?.hosts).toBe(joined);
  }
  await hours.pass(3 * minute);
  await right(round);
  // What the daemon said at its last look is counted up to a second later.
  await hours.pass(minute / 2);
  // Nothing is left to be said, not at the next look at everything either.
  hours.wire.take();
  await hours.pass(12 * minute);
  expect(hours.wire.take().filter(({ method }) => method !== 'GET')).toEqual([]);
  expect(stage.errors).toEqual([]);
});

/** @returns what ends it */
async function begin(kind: Outage): Promise<() => Promise<void>> {
  const { world, line } = stage;
  const { how } = kind;
  if (how === 'away') {
    line.cut('reset');
    return () => Promise.resolve(line.mend());
  }
  const gate = Promise.withResolvers<void>();
  if (how === 'silence') stage.held = Number.POSITIVE_INFINITY;
  world.intercept = (request, user) => {
    if (user === 'admin' || !meets(kind, request)) return undefined;
    if (how === 'silence') return gate.promise;
    throw how;
  };
  // Whoever watches finds out; with writes that are refused they go on watching.
  if (kind.of !== 'writes') world.cutWatches();
  return async () => {
    world.intercept = undefined;
    stage.held = 0;
    // What a server has kept it does when it goes on, though nobody waits for the answer.
    gate.resolve();
  };
}

/** What people asked for meanwhile is done, and what the host does is known. */
async function right(round: number): Promise<void> {
  const { world } = stage;
  const { status } = await world.network('net');
  expect(status?.hosts).toBe(joined);
  const places = (await world.nads()).map(({ metadata }) => metadata.namespace);
  expect(new Set(places)).toEqual(new Set(['default', `ns-${round}`]));
  const published = await world.host(`silent-${round}`);
  expect(published?.status?.networks).toMatchObject([{ name: 'net', blocks: [{}, {}] }]);
  const pools = await world.pools();
  expect(pools.map(({ spec, status }) => [spec?.interfaceName, status?.allocated])).toEqual([
    ['eth1', pods],
    ['eth2', pods],
  ]);
}
