import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { code } from '../../../src/api/cni-error.ts';
import type { IpamMode } from '../../../src/api/network.ts';
import { callOf, createWorld, plansText, type World } from '../../support/attach/world.ts';

let world: World;
beforeEach(() => {
  world = createWorld(2);
});
afterEach(async () => world.end());

const blocks = { eth1: [], eth2: [] };
const books = () => join(world.folder, 'books');

function hostLocal(subnet: string): Readonly<Record<string, unknown>> {
  return { type: 'host-local', dataDir: books(), ranges: [[{ subnet }]] };
}

const perNic = (second = '10.8.2.0/24'): IpamMode => ({
  kind: 'per-master',
  configs: { eth1: hostLocal('10.8.1.0/24'), eth2: hostLocal(second) },
});

/** Addresses that host-local has given and not got back. */
function given(network: string): string[] {
  const folder = join(books(), network);
  return existsSync(folder) ? readdirSync(folder).filter((name) => /^\d+\./.test(name)) : [];
}

/** As the kernel has them: `net1 10.9.0.2/28`. */
function addressesIn(pod: string): string[] {
  const links: { ifname: string; addr_info: { local: string; prefixlen: number }[] }[] = JSON.parse(
    world.exec(pod, 'ip', '-json', '-4', 'address', 'show', 'scope', 'global'),
  );
  // By name, as world.links: the kernel's order is by chance.
  return links
    .toSorted((a, b) => (a.ifname < b.ifname ? -1 : 1))
    .flatMap(({ ifname, addr_info }) => addr_info.map(({ local, prefixlen }) => `${ifname} ${local}/${prefixlen}`));
}

test('host-local is asked once for each NIC and gives no address twice; its route stands; DEL frees all', async () => {
  const config = { ...hostLocal('10.9.0.0/28'), routes: [{ dst: '10.99.0.0/16', gw: '10.9.0.1' }] };
  const harness = await world.start({
    plans: plansText([{ network: 'local', blocks, ipam: { kind: 'each', config } }]),
  });
  const [first, second] = [world.pod(), world.pod()];
  const calls = [
    { network: 'local', container: 'l0', netns: first },
    { network: 'local', container: 'l1', netns: second },
  ];
  for (const call of calls) {
    const result = await harness.call(callOf('ADD', call));
    expect(result?.ips.map((ip) => ip.interface)).toEqual([0, 1]);
    await harness.call(callOf('CHECK', call));
  }
  const inPods = [...addressesIn(first), ...addressesIn(second)].map((text) => text.split(/[ /]/)[1]);
  expect(new Set(inPods).size).toBe(4);
  expect(new Set(inPods)).toEqual(new Set(given('local')));
  expect(world.exec(first, 'ip', 'route', 'show', '10.99.0.0/16')).toContain('via 10.9.0.1');

  await harness.call(callOf('DEL', { network: 'local', container: 'l0', netns: first }));
  expect(await world.links(first)).toEqual([]);
  // Of a namespace that is gone, the books are kept all the same.
  world.namespaces.remove(second);
  await harness.call(callOf('DEL', { network: 'local', container: 'l1', netns: second }));
  expect(given('local')).toEqual([]);
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, masters: 0 });
});

test('multi-config: each NIC from its own configuration, of any plugin; a NIC without one is not attached', async () => {
  const fixed = { type: 'static', addresses: [{ address: '10.7.0.5/24' }] };
  const harness = await world.start({
    plans: plansText([
      { network: 'by-nic', blocks, ipam: perNic() },
      { network: 'fixed', blocks, ipam: { kind: 'per-master', configs: { eth2: fixed } } },
      { network: 'piped', delegation: { pluginType: 'bridge', binding: 'none' }, blocks, ipam: perNic() },
      { network: 'lent', delegation: { pluginType: 'host-device', binding: 'device' }, blocks, ipam: perNic() },
    ]),
  });
  // A bridge without an address of its own takes the lowest of its ports', and CHECK of the plugin finds another than ADD.
  world.namespaces.ip(world.host, 'link', 'add', 'cni0', 'address', '02:00:00:00:cb:17', 'type', 'bridge');
  const pod = world.pod();
  const ranges = ['net1 10.8.1.2/24', 'net1-1 10.8.2.2/24'];
  const wanted = { 'by-nic': ranges, fixed: ['net1 10.7.0.5/24'], piped: ranges, lent: ranges };
  for (const [network, addresses] of Object.entries(wanted)) {
    await harness.call(callOf('ADD', { network, container: 'm', netns: pod }));
    expect(addressesIn(pod)).toEqual(addresses);
    await harness.call(callOf('CHECK', { network, container: 'm', netns: pod }));
    await harness.call(callOf('DEL', { network, container: 'm', netns: pod }));
    expect(await world.links(pod)).toEqual([]);
    expect(given(network)).toEqual([]);
  }
  await expect
    .poll(async () => harness.settleLent().then(() => harness.look()))
    .toMatchObject({
      counts: { lent: 0 },
    });
  const own = { nameservers: ['10.7.0.2'], search: ['pods.example'] };
  const call = callOf('ADD', { network: 'fixed', container: 'n', netns: pod });
  expect((await harness.call({ ...call, conf: { ...call.conf, dns: own } }))?.dns).toEqual(own);
});

test('routes beside multi-config: over the NIC that leads to the gateway, over all that do to one destination', async () => {
  const harness = await world.start({ plans: plansText([{ network: 'led', blocks, ipam: perNic() }]) });
  const routes = [
    { dst: '10.98.0.0/16', gw: '10.8.2.1' },
    { dst: '10.99.0.0/16', gw: '10.8.1.1' },
    { dst: '10.99.0.0/16', gw: '10.8.2.1' },
  ];
  const parts = { network: 'led', container: 'r', netns: world.pod(), routes };
  const result = await harness.call(callOf('ADD', parts));
  expect(result?.routes).toEqual(routes);
  const shown = world.exec(parts.netns, 'ip', 'route').replaceAll(/\s+/g, ' ');
  expect(shown).toContain('10.98.0.0/16 via 10.8.2.1 dev net1-1');
  expect(shown).toMatch(/10\.99\.0\.0\/16 nexthop via 10\.8\.1\.1 dev net1 .*nexthop via 10\.8\.2\.1 dev net1-1/);
  await harness.call(callOf('CHECK', parts));
  await harness.call(callOf('DEL', parts));
  const nowhere = callOf('ADD', { ...parts, routes: [{ dst: '10.98.0.0/16', gw: '10.7.7.7' }] });
  await expect(harness.call(nowhere)).rejects.toThrow(
    /10\.7\.7\.7 is on no NIC's network \(10\.8\.1\.0\/24, 10\.8\.2\.0\/24\)/,
  );
});

test('a default route that Multus took from a pod, and out of prevResult, is missed neither by CHECK nor by that of the plugin', async () => {
  const config = { ...hostLocal('10.9.0.0/28'), routes: [{ dst: '0.0.0.0/0', gw: '10.9.0.1' }] };
  const plans = plansText([
    { network: 'local', blocks, ipam: { kind: 'each', config } },
    { network: 'own', blocks: { eth1: ['10.6.1.0/28'] } },
  ]);
  const harness = await world.start({ plans });
  const routes = [{ dst: '0.0.0.0/0', gw: '10.6.1.14' }];
  for (const parts of [
    { network: 'local', container: 'd1', netns: world.pod(), request: { nics: 1 } },
    { network: 'own', container: 'd2', netns: world.pod(), routes },
  ]) {
    const result = await harness.call(callOf('ADD', parts));
    if (result === undefined) throw new Error('no result');
    await harness.call(callOf('CHECK', { ...parts, prevResult: result }));
    world.exec(parts.netns, 'ip', 'route', 'del', 'default');
    await expect(harness.call(callOf('CHECK', { ...parts, prevResult: result }))).rejects.toThrow(/0\.0\.0\.0\/0/);
    await harness.call(callOf('CHECK', { ...parts, prevResult: { ...result, routes: [] } }));
  }
});

test('IPv6 addresses of an IPAM plugin wait for nothing either, and no router is believed', async () => {
  const config = { type: 'host-local', dataDir: books(), ranges: [[{ subnet: 'fd00:9::/64' }]] };
  const harness = await world.start({ plans: plansText([{ network: 'six', blocks, ipam: { kind: 'each', config } }]) });
  const parts = { network: 'six', container: 'v6', netns: world.pod() };
  await harness.call(callOf('ADD', parts));
  for (const { name, addresses } of await world.links(parts.netns)) {
    expect(addresses.filter(({ scope, tentative }) => scope === 'global' && !tentative)).toHaveLength(1);
    const files = ['accept_dad', 'accept_ra', 'ndisc_notify'].map((key) => `/proc/sys/net/ipv6/conf/${name}/${key}`);
    expect(world.exec(parts.netns, 'cat', ...files)).toBe('0\n0\n1\n');
  }
  await harness.call(callOf('CHECK', parts));
  await harness.call(callOf('DEL', parts));
});

test('addresses that a pod asks for are on the NIC of their network, in both families, whatever gives the others', async () => {
  const dual = (nic: number) => ({
    type: 'host-local',
    dataDir: books(),
    ranges: [[{ subnet: `10.8.${nic}.0/24` }], [{ subnet: `fd00:8:${nic}::/64` }]],
  });
  const fixed = (nic: number) => ({
    type: 'static',
    addresses: [{ address: `10.8.${nic}.5/24` }, { address: `fd00:8:${nic}::5/64` }],
  });
  const each = (config: (nic: number) => Readonly<Record<string, unknown>>): IpamMode => ({
    kind: 'per-master',
    configs: { eth1: config(1), eth2: config(2) },
  });
  const bridge = { pluginType: 'bridge', binding: 'none' } as const;
  const harness = await world.start({
    plans: plansText([
      { network: 'local', blocks, ipam: each(dual) },
      { network: 'fixed', blocks, ipam: each(fixed) },
      { network: 'piped', blocks, ipam: each(fixed), delegation: bridge },
      { network: 'bare', blocks, ipam: { kind: 'each', config: { type: 'static' } } },
    ]),
  });
  const pod = world.pod();
  const ips = ['fd00:8:2::77', '10.8.2.77', '10.8.1.66'];
  for (const [network, rest] of Object.entries({ local: 'fd00:8:1::2', fixed: 'fd00:8:1::5', piped: 'fd00:8:1::5' })) {
    const parts = { network, container: 'a', netns: pod, request: { ips } };
    const result = await harness.call(callOf('ADD', parts));
    const onNic = (index: number) => result?.ips.filter((ip) => ip.interface === index).map(({ address }) => address);
    expect(new Set(onNic(0))).toEqual(new Set(['10.8.1.66/24', `${rest}/64`]));
    expect(new Set(onNic(1))).toEqual(new Set(['10.8.2.77/24', 'fd00:8:2::77/64']));
    expect(addressesIn(pod)).toEqual(['net1 10.8.1.66/24', 'net1-1 10.8.2.77/24']);
    await harness.call(callOf('CHECK', parts));
    const again = { network, container: 'b', netns: world.pod(), request: { ips: ['10.8.1.66'] } };
    await expect(harness.call(callOf('ADD', again))).rejects.toMatchObject({
      code: code.unsatisfiable,
      message: expect.stringMatching(/10\.8\.1\.66 .*in use by another pod/),
    });
    await harness.call(callOf('DEL', parts));
    await harness.call(callOf('ADD', again));
    await harness.call(callOf('DEL', again));
    expect(given(network)).toEqual([]);
  }
  const asking = (request: { ips: string[]; masters?: string[] }) =>
    harness.call(callOf('ADD', { network: 'bare', container: 'c', netns: pod, request }));
  await expect(asking({ ips: ['10.9.0.5/24'] })).rejects.toMatchObject({
    code: code.unsatisfiable,
    message: expect.stringMatching(/10\.9\.0\.5\/24 could be on NICs eth1, eth2/),
  });
  await asking({ ips: ['10.9.0.5/24'], masters: ['eth2'] });
  expect(addressesIn(pod)).toEqual(['net1 10.9.0.5/24']);
});

test.each(['direct', 'delegates'] as const)(
  'static without addresses: interfaces without any, by executor %s',
  async (executor) => {
    const ipam: IpamMode = { kind: 'each', config: { type: 'static' } };
    const plans = plansText([{ network: 'bare', blocks, ipam }]);
    const harness = await world.start({ plans, executor });
    const parts = { network: 'bare', container: 'e', netns: world.pod() };
    const result = await harness.call(callOf('ADD', parts));
    expect(result).toMatchObject({ interfaces: [{ name: 'net1' }, { name: 'net1-1' }], ips: [] });
    expect((await world.links(parts.netns)).map(({ up }) => up)).toEqual([true, true]);
    expect(addressesIn(parts.netns)).toEqual([]);
    await harness.call(callOf('CHECK', parts));
    await harness.call(callOf('DEL', parts));
    expect(await world.links(parts.netns)).toEqual([]);
  },
);

test('a failed ADD frees what the other NIC was given; so does a daemon that comes back after a kill', async () => {
  const plans = plansText([{ network: 'tight', blocks, ipam: perNic('10.8.2.0/30') }]);
  const first = await world.start({ plans });
  const [one, two, three] = [world.pod(), world.pod(), world.pod()];
  await first.call(callOf('ADD', { network: 'tight', container: 't1', netns: one }));
  await expect(first.call(callOf('ADD', { network: 'tight', container: 't2', netns: two }))).rejects.toThrow(/eth2/);
  expect(await world.links(two)).toEqual([]);
  expect(new Set(given('tight'))).toEqual(new Set(['10.8.1.2', '10.8.2.2']));
  await first.call(callOf('DEL', { network: 'tight', container: 't1', netns: one }));
  await first.kill();

  const killed = await world.start({ plans, killAt: { step: 'add:delegates', occurrence: 1, phase: 'serving' } });
  await expect(killed.call(callOf('ADD', { network: 'tight', container: 't3', netns: three }))).rejects.toThrow();
  await killed.ended;
  expect(given('tight')).toHaveLength(2);
  const last = await world.start({ plans });
  expect(last.recovery).toMatchObject({ failed: [], found: { pending: 1 } });
  expect(given('tight')).toEqual([]);
  expect(await world.links(three)).toEqual([]);
});

test('an address that cannot be given back keeps its record, until it can', async () => {
  const harness = await world.start({ plans: plansText([{ network: 'kept', blocks, ipam: perNic() }]) });
  const pod = world.pod();
  const path = [world.delegate('macvlan', '[ -e "$0.broken" ] && exit 1; exec "$REAL"'), '/usr/lib/cni'];
  await harness.call(callOf('ADD', { network: 'kept', container: 'k', netns: pod, path }));
  const broken = `${path[0]}/macvlan.broken`;
  world.exec(world.host, 'touch', broken);
  await expect(harness.call(callOf('DEL', { network: 'kept', container: 'k', netns: pod, path }))).rejects.toThrow();
  expect(await world.links(pod)).toEqual([]);
  expect((await harness.look()).counts).toMatchObject({ attachments: 1 });
  world.exec(world.host, 'rm', broken);
  expect(await harness.retry()).toEqual([]);
  expect(given('kept')).toEqual([]);
  expect((await harness.look()).counts).toMatchObject({ attachments: 0 });
});
