import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MultiNicNetworkSpec } from '../../../src/api/kinds/multinicnetwork.ts';
import { silent } from '../../../src/kube/logger.ts';
import { resources } from '../../../src/kube/resource.ts';
import { createNamespaces, type Namespaces } from '../../support/netns.ts';
import { nic } from '../../support/operator/hosts.ts';
import { startWorld, type World } from '../../support/operator/world.ts';
import { boundOf, countsOf, lineOf, tooSoon } from '../../support/outage/counting.ts';
import { type ApiSide, createApiSide } from '../../support/outage/daemon.ts';
import { type Door, startDoor } from '../../support/outage/door.ts';
import { meets, type Outage, outages } from '../../support/outage/faults.ts';
import { createHours, type Hours } from '../../support/outage/hours.ts';

const minute = 60_000;
const outage = 10 * minute;
/** Pods come or go so often while it lasts, ms: news for the daemon. */
const podsEvery = 20_000;
const logged: string[] = [];
let namespaces: Namespaces;
let world: World;
let hours: Hours;
let door: Door;
let daemon: ApiSide;
let held = 0;
let pods = 0;
let joined = 1;

beforeAll(async () => {
  namespaces = createNamespaces();
  const [host, fabric] = [namespaces.add(), namespaces.add()];
  for (const rail of [1, 2]) {
    namespaces.veth(host, `eth${rail}`, fabric, `port${rail}`);
    // No IPv6 addresses that come late, in the kernel's own time.
    namespaces.ip(host, 'link', 'set', `eth${rail}`, 'addrgenmode', 'none');
    namespaces.ip(host, '-6', 'address', 'flush', 'dev', `eth${rail}`);
    namespaces.ip(host, 'address', 'add', `10.1.${rail}.1/24`, 'dev', `eth${rail}`);
  }
  world = await startWorld();
  door = await startDoor(world.url);
  hours = createHours(() => held);
  await world.addNode('host-a');
  daemon = createApiSide({ url: door.url, node: 'host-a', netns: host, hours, onError: (said) => logged.push(said) });
  world.startOperator(
    { ...silent, error: (_fields, said) => logged.push(said) },
    { clock: hours.clock, url: door.url },
  );
  await daemon.start();
  await world.apply('net', spec([]));
  await hours.pass(2 * minute);
});

afterAll(async () => {
  await daemon?.end();
  await world?.close();
  await door?.shut();
  hours?.close();
  namespaces?.end();
});

test.each(outages)('ten minutes of $name: nothing crashes, no loop runs hot, all is right in the end', async (kind) => {
  const round = outages.indexOf(kind);
  hours.wire.take();
  const end = await begin(kind);
  // Something to do for every loop, which cannot be done for now: a host, a namespace, an edit, pods.
  joined += 1;
  await world.addNode(`silent-${round}`);
  await world.client.create(resources.hostInterfaces, hostInterface(`silent-${round}`, round));
  await world.addNamespace(`ns-${round}`);
  await world.apply('net', spec([`ns-${round}`]));
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
  await hours.pass(3 * minute);
  await right(round);
  // Nothing is left to be said, not at the next look at everything either.
  hours.wire.take();
  await hours.pass(12 * minute);
  expect(hours.wire.take().filter(({ method }) => method !== 'GET')).toEqual([]);
  expect(logged).toEqual([]);
});

function spec(namespaces: readonly string[]): MultiNicNetworkSpec {
  return {
    subnet: '192.168.0.0/16',
    addressing: { hostBlock: 6, interfaceBlock: 2 },
    plugin: { cniVersion: '1.0.0', type: 'macvlan', args: { mode: 'bridge' } },
    namespaces: ['default', ...namespaces],
  };
}

function hostInterface(name: string, round: number) {
  return {
    apiVersion: 'multinic.fms.io/v1',
    kind: 'HostInterface',
    metadata: { name },
    spec: { hostName: name, interfaces: [nic(1, round + 10), nic(2, round + 10)] },
  };
}

/** @returns what ends it */
async function begin(kind: Outage): Promise<() => Promise<void>> {
  const { how } = kind;
  if (how === 'away') {
    await door.shut();
    return () => door.open();
  }
  const gate = Promise.withResolvers<void>();
  if (how === 'silence') held = Number.POSITIVE_INFINITY;
  world.intercept = (request, user) => {
    if (user === 'admin' || !meets(kind, request)) return undefined;
    if (how === 'silence') return gate.promise;
    throw how;
  };
  // Whoever watches finds out; with writes that are refused they go on watching.
  if (kind.of !== 'writes') world.cutWatches();
  return async () => {
    world.intercept = undefined;
    held = 0;
    // What a server has kept it does when it goes on, though nobody waits for the answer.
    gate.resolve();
  };
}

/** What people asked for meanwhile is done, and what the host does is known. */
async function right(round: number): Promise<void> {
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
