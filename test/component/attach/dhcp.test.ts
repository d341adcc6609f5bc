import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Harness } from '../../support/attach/client.ts';
import { type Dhcp, startDhcp, until } from '../../support/attach/dhcp.ts';
import { callOf, createWorld, plansText, pluginDirectory, type World } from '../../support/attach/world.ts';

let world: World;
let harness: Harness;
let dhcp: Dhcp;

beforeAll(async () => {
  world = createWorld(2);
  dhcp = await startDhcp(world);
  const of = (network: string, daemonSocketPath: string) => ({
    network,
    blocks: { eth1: [], eth2: [] },
    ipam: { kind: 'each', config: { type: 'dhcp', daemonSocketPath } } as const,
  });
  const none = `${world.folder}/none.sock`;
  harness = await world.start({ plans: plansText([of('leased', dhcp.socket), of('unleased', none)]) });
});
afterAll(async () => {
  dhcp?.end();
  await world.end();
});

test('a lease for each NIC, by the real plugin and its daemon; each is released, of a pod that has gone too', async () => {
  const [pod, gone] = [world.pod(), world.pod()];
  const [stays, ends] = [
    { network: 'leased', container: 'd1', netns: pod },
    { network: 'leased', container: 'd2', netns: gone },
  ];
  const result = await harness.call(callOf('ADD', stays));
  const links = await world.links(pod);
  expect(dhcp.seen('lease')).toEqual(
    links.map(({ mac }, index) => `${result?.ips[index]?.address.split('/')[0]} ${mac}`).toSorted(),
  );
  expect(result?.ips.map((ip) => ip.interface)).toEqual([0, 1]);
  expect(result?.ips.map(({ gateway }) => gateway)).toEqual(['10.5.0.1', '10.5.0.1']);
  await harness.call(callOf('CHECK', stays));
  await harness.call(callOf('ADD', ends));
  expect(new Set(dhcp.seen('lease')).size).toBe(4);
  world.namespaces.remove(gone);
  await harness.call(callOf('DEL', ends));
  await harness.call(callOf('DEL', stays));
  expect(await world.links(pod)).toEqual([]);
  expect((await harness.look()).counts).toMatchObject({ attachments: 0 });
  await until(() => dhcp.seen('release').length >= 4);
  expect(dhcp.seen('release')).toEqual([...new Set(dhcp.seen('lease'))]);
});

test('a DEL in which the plugin dies is asked for again while the link is there: the server hears of it', async () => {
  const dying = '[ "$CNI_COMMAND" = DEL ] && [ ! -e "$0.died" ] && { echo > "$0.died"; kill -9 $$; }; exec $REAL';
  const stand = world.delegate('dhcp', dying);
  const parts = { network: 'leased', container: 'd4', netns: world.pod(), path: [stand, pluginDirectory] };
  const before = new Set(dhcp.seen('lease'));
  await harness.call(callOf('ADD', parts));
  const leases = dhcp.seen('lease').filter((lease) => !before.has(lease));
  await harness.call(callOf('DEL', parts));
  expect(existsSync(`${stand}/dhcp.died`)).toBe(true);
  expect(leases).toHaveLength(2);
  await until(() => leases.every((lease) => dhcp.seen('release').includes(lease)));
  expect(dhcp.seen('release')).toEqual(expect.arrayContaining(leases));
});

test('a daemon that is away: the pod is refused with its words, and nothing is left', async () => {
  const pod = world.pod();
  const parts = { network: 'unleased', container: 'd3', netns: pod };
  await expect(harness.call(callOf('ADD', parts))).rejects.toThrow(/NIC eth1: macvlan ADD failed: .*none\.sock/);
  expect(await world.links(pod)).toEqual([]);
});
