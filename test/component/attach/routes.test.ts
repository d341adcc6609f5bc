import { afterAll, beforeAll, expect, test } from 'vitest';
import { code } from '../../../src/api/cni-error.ts';
import type { Harness } from '../../support/attach/client.ts';
import { callOf, createWorld, plansText, type World } from '../../support/attach/world.ts';

const plans = plansText([
  { network: 'four', blocks: { eth1: ['10.7.1.64/28'], eth2: ['10.7.2.64/28'] } },
  {
    network: 'dual',
    blocks: { eth1: ['10.8.1.64/28', 'fd00:8:1::100/120'], eth2: ['10.8.2.64/28', 'fd00:8:2::100/120'] },
  },
]);

let world: World;
let harness: Harness;
beforeAll(async () => {
  world = createWorld(2);
  harness = await world.start({ plans });
});
afterAll(async () => world.end());

const show = (netns: string, family: '-4' | '-6', dst: string): string =>
  world.exec(netns, 'ip', family, 'route', 'show', dst).replaceAll(/\s+/g, ' ').trim();

test('routes of the network stand in the pod, CHECK misses them, DEL takes them', async () => {
  const netns = world.pod();
  const routes = [
    { dst: '10.20.0.0/16', gw: '10.8.2.1' },
    { dst: '10.30.0.0/16', gw: '10.8.1.1' },
    { dst: '10.30.0.0/16', gw: '10.8.2.1' },
    { dst: 'fd00:20::/64', gw: 'fd00:8:1::1' },
    { dst: 'fd00:30::/64', gw: 'fd00:8:1::1' },
    { dst: 'fd00:30::/64', gw: 'fd00:8:2::1' },
  ];
  const parts = { network: 'dual', container: 'a', netns, routes };
  const result = await harness.call(callOf('ADD', parts));
  expect(result?.routes).toEqual(routes);
  expect(show(netns, '-4', '10.20.0.0/16')).toMatch(/via 10\.8\.2\.1 dev net1-1/);
  expect(show(netns, '-4', '10.30.0.0/16')).toMatch(/via 10\.8\.1\.1 dev net1 .*via 10\.8\.2\.1 dev net1-1/);
  expect(show(netns, '-6', 'fd00:20::/64')).toMatch(/via fd00:8:1::1 dev net1/);
  expect(show(netns, '-6', 'fd00:30::/64')).toMatch(/via fd00:8:1::1 dev net1 .*via fd00:8:2::1 dev net1-1/);
  expect(await harness.call(callOf('ADD', parts))).toEqual(result);
  await harness.call(callOf('CHECK', parts));
  world.exec(netns, 'ip', 'route', 'del', '10.30.0.0/16');
  await expect(harness.call(callOf('CHECK', parts))).rejects.toThrow(/route to 10\.30\.0\.0\/16 is missing/);
  await harness.call(callOf('DEL', parts));
  expect(show(netns, '-4', '10.20.0.0/16')).toBe('');
  expect(show(netns, '-6', 'fd00:30::/64')).toBe('');
});

test('a route that the pod has already is left as it is, and the ADD undone', async () => {
  const netns = world.pod();
  world.exec(netns, 'ip', 'link', 'set', 'lo', 'up');
  world.exec(netns, 'ip', 'route', 'add', '10.20.0.0/16', 'dev', 'lo');
  const refused = harness.call(
    callOf('ADD', { network: 'four', container: 'b', netns, routes: [{ dst: '10.20.0.0/16', gw: '10.7.1.1' }] }),
  );
  await expect(refused).rejects.toMatchObject({ code: code.invalidConfig });
  await expect(refused).rejects.toThrow(/10\.20\.0\.0\/16 via 10\.7\.1\.1 dev net1.*File exists/);
  expect(await world.links(netns)).toEqual([]);
  expect(show(netns, '-4', '10.20.0.0/16')).toMatch(/dev lo/);
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, addresses: 0 });
});

test('a pod of an IPv4-only network takes nothing from router advertisements', async () => {
  const netns = world.pod();
  await harness.call(callOf('ADD', { network: 'four', container: 'c', netns }));
  for (const dev of ['net1', 'net1-1']) {
    const files = ['accept_ra', 'autoconf'].map((name) => `/proc/sys/net/ipv6/conf/${dev}/${name}`);
    expect(
      world
        .exec(netns, 'cat', ...files)
        .trim()
        .split('\n'),
    ).toEqual(['0', '0']);
  }
  await harness.call(callOf('DEL', { network: 'four', container: 'c', netns }));
});
