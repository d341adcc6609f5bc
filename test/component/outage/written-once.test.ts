import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HostInterface } from '../../../src/api/kinds/hostinterface.ts';
import { resources } from '../../../src/kube/calls/resource.ts';
import { macvlan, type Stage, startStage } from '../../support/outage/stage.ts';

const minute = 60_000;
let stage: Stage;

beforeAll(async () => {
  stage = await startStage();
  await stage.applyReady('net', macvlan());
});
afterAll(() => stage?.close());

/** What operator and daemon write, events left out, because of what `change` does: each line as often as it was written. */
async function writesOf(change: () => Promise<void> | void): Promise<string[]> {
  const { hours } = stage;
  hours.wire.take();
  await change();
  await hours.pass(2 * minute);
  return hours.wire
    .take()
    .filter(({ agent, method, path }) => !/admin/.test(agent) && method !== 'GET' && !path.includes('/events'))
    .map(
      ({ agent, method, path }) =>
        `${/daemon/.exec(agent)?.[0] ?? 'operator'} ${method} ${path.replace(/^.*\/v1\//, '')}`,
    )
    .toSorted();
}

const conditions = async () => (await stage.world.network('net')).status?.conditions;

test('a host that comes: its slice, its HostInterface.status, the network, once each', async () => {
  expect(await writesOf(() => stage.joinSilent('host-b', 2))).toEqual([
    'operator PUT cidrslices/net-0',
    'operator PUT hostinterfaces/host-b/status',
    'operator PUT multinicnetworks/net/status',
  ]);
});

test('a claim: the network', async () => {
  const writes = await writesOf(async () => {
    const host = await stage.world.host('host-b');
    const networks = (host?.status?.networks ?? []).map(({ name, uid, hostIndex, revision, blocks }) => ({
      name,
      uid,
      hostIndex,
      revision,
      acknowledged: 'Serving' as const,
      interfaces: blocks.map(({ interfaceIndex, netAddresses }) => ({ interfaceIndex, netAddresses, ordinal: 0 })),
    }));
    await stage.world.client.patch<HostInterface>(resources.hostInterfaces, 'host-b', 'merge', { spec: { networks } });
  });
  expect(writes).toEqual(['operator PUT multinicnetworks/net/status']);
  expect((await conditions())?.find(({ type }) => type === 'Ready')?.status).toBe('True');
});

test('a namespace: the NAD in it, and that it is there', async () => {
  expect(await writesOf(() => stage.world.addNamespace('team'))).toEqual([
    'operator POST namespaces/team/network-attachment-definitions/net',
    'operator PUT multinicnetworks/net/status',
  ]);
});

test('pods: the pool of each NIC, the count of the network; what they do within ten seconds is told together', async () => {
  const pools = (await stage.world.pools()).map(({ metadata }) => `daemon PUT ippools/${metadata.name}/status`);
  const expected = [...pools.toSorted(), 'operator PUT multinicnetworks/net/status'];
  expect(await writesOf(() => stage.daemon.pods(1))).toEqual(expected);
  const writes = await writesOf(async () => {
    for (let count = 2; count < 20; count++) {
      stage.daemon.pods(count);
      await stage.hours.pass(500);
    }
  });
  // The first at once, the others after ten seconds.
  expect(writes).toEqual([...expected, ...expected].toSorted());
});

test('a NIC: what the host has, its blocks, the claim of them, once each', async () => {
  const writes = await writesOf(async () => {
    stage.addNic(3);
    // The kernel tells in its own time.
    await stage.world.until(async () => {
      await stage.hours.pass(100);
      expect((await stage.world.host('host-a'))?.spec?.interfaces).toHaveLength(3);
    });
  });
  // Two wait for it; then one: told together where the kernel was quick.
  const status = 'operator PUT multinicnetworks/net/status';
  const told = writes.filter((write) => write === status).length;
  expect([1, 2, 3]).toContain(told);
  expect(writes.filter((write) => write !== status)).toEqual([
    'daemon POST ippools/net-192.168.128.0-24',
    // Its NICs; then, with the blocks on them, what it serves.
    'daemon PUT hostinterfaces/host-a',
    'daemon PUT hostinterfaces/host-a',
    'daemon PUT ippools/net-192.168.128.0-24/status',
    // Each names the rail's network now.
    'operator PATCH namespaces/default/network-attachment-definitions/net',
    'operator PATCH namespaces/kube-system/network-attachment-definitions/net',
    'operator PATCH namespaces/team/network-attachment-definitions/net',
    'operator PUT cidrs/net',
    'operator PUT hostinterfaces/host-a/status',
    // The plan has another revision, which every host has to say.
    'operator PUT hostinterfaces/host-b/status',
  ]);
});

test('an edit: what it changes, and that it was seen', async () => {
  const edit = async (): Promise<void> => {
    await stage.world.apply('net', macvlan({ namespaces: ['default'] }));
  };
  expect(await writesOf(edit)).toEqual([
    'operator DELETE namespaces/kube-system/network-attachment-definitions/net',
    'operator DELETE namespaces/team/network-attachment-definitions/net',
    'operator PUT multinicnetworks/net/status',
  ]);
});

test('nothing: nothing, for hours, after starts and ends of both, and no condition gets another time', async () => {
  const before = await conditions();
  const { world, daemon, hours } = stage;
  expect(await writesOf(() => hours.pass(60 * minute))).toEqual([]);
  expect(
    await writesOf(async () => {
      await world.stopOperator();
      stage.startOperator();
      await hours.pass(minute);
      await daemon.stop();
      await daemon.start();
      world.cutWatches();
    }),
  ).toEqual([]);
  expect(await conditions()).toEqual(before);
  expect(stage.errors).toEqual([]);
});
