import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { code } from '../../../src/api/cni-error.ts';
import type { PodRequest } from '../../../src/cni/types.ts';
import type { Harness, HarnessOptions } from '../../support/attach/client.ts';
import { dress, lendingPlans as plans, stateOf } from '../../support/attach/lent.ts';
import { callOf, createWorld, networkCall, type World } from '../../support/attach/world.ts';

/** A veth has no device below: eth2 is said to have one. */
const options = { plans, devices: { eth2: { pciAddress: '0000:3b:00.1' } } };
let world: World;
let harness: Harness;
/** How eth1 was before anything was lent. */
let before: unknown;
beforeAll(async () => {
  world = createWorld(2);
  dress(world);
  before = await stateOf(world, 'eth1');
  harness = await world.start(options);
});
afterAll(async () => world.end());

/** Another process on the same store, as after a crash. */
async function restarted(more: Partial<HarnessOptions> = {}): Promise<Harness> {
  await harness.kill();
  harness = await world.start({ ...options, ...more });
  return harness;
}

const one: Partial<PodRequest> = { nics: 1 };
const add = (container: string, netns: string, request = one, network = 'lent') =>
  harness.call(callOf('ADD', { network, container, netns, request }));
const del = (container: string, netns = '', network = 'lent') =>
  harness.call(callOf('DEL', { network, container, netns }));

/** All NICs are back, their cables noticed, and nothing is held. */
async function returned(): Promise<void> {
  await vi.waitFor(
    async () => {
      expect(await harness.settleLent()).toEqual([]);
      expect((await harness.look()).counts).toMatchObject({ attachments: 0, lent: 0, masters: 0 });
    },
    { timeout: 60_000, interval: 100 },
  );
  expect(await stateOf(world, 'eth1')).toEqual(before);
}

/** What the kernel does with a NIC when its pod's namespace goes; the stand-in for it, a veth, would go too. */
function podVanishes(pod: string, as: string): void {
  world.exec(pod, 'ip', 'link', 'set', 'dev', 'net1', 'netns', world.host, 'name', as);
  world.namespaces.remove(pod);
}

test('a NIC goes into the pod with an address of its block, and comes back as it was', async () => {
  const pod = world.pod();
  const result = await add('a', pod);
  expect(await stateOf(world, 'eth1')).toBeUndefined();
  expect(await world.links(pod)).toMatchObject([{ name: 'net1', altnames: ['enp3s0', 'net1-0'], mtu: 1400, up: true }]);
  expect(result?.ips.map(({ address }) => address)).toEqual(['10.6.1.1/24', 'fd00:6:1::1/64']);
  await harness.call(callOf('CHECK', { network: 'lent', container: 'a', netns: pod }));
  expect((await harness.look()).counts).toMatchObject({ lent: 1, masters: 1 });
  // What a container does to its NIC is undone too.
  world.exec(pod, 'ip', 'link', 'set', 'dev', 'net1', 'down');
  world.exec(pod, 'ip', 'link', 'set', 'dev', 'net1', 'name', 'mine', 'address', '02:00:00:00:00:77', 'mtu', '600');
  await expect(harness.call(callOf('CHECK', { network: 'lent', container: 'a', netns: pod }))).rejects.toThrow(
    'interface net1 is missing',
  );
  await del('a', pod);
  expect(await world.links(pod)).toEqual([]);
  await returned();
});

test('DEL without a namespace, host-device-ipam: the NIC is found under the name that the kernel gave it', async () => {
  const pod = world.pod();
  const result = await add('a', pod, one, 'along');
  expect(result?.ips).toMatchObject([
    { address: '10.1.1.2/24', interface: 0 },
    { address: 'fd00:1::2/64', interface: 0 },
  ]);
  await harness.call(callOf('CHECK', { network: 'along', container: 'a', netns: pod }));
  podVanishes(pod, 'dev7');
  await del('a', '', 'along');
  await returned();
});

test('a NIC that is still on its way back when DEL is answered stays taken, and is given back when it comes', async () => {
  const [pod, elsewhere] = [world.pod(), world.pod()];
  await add('a', pod, { masters: ['eth1'] });
  world.exec(pod, 'ip', 'link', 'set', 'dev', 'net1', 'netns', elsewhere);
  world.namespaces.remove(pod);
  await del('a');
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, lent: 1 });
  await expect(add('b', world.pod(), { masters: ['eth1'] })).rejects.toMatchObject({
    code: code.tryAgainLater,
    message: expect.stringContaining('eth1 (is lent to pod default/a (network lent))'),
  });
  expect(await harness.settleLent()).toEqual([]);
  expect((await harness.look()).counts).toMatchObject({ lent: 1 });
  podVanishes(elsewhere, 'net1');
  await returned();
});

test('the pod vanishes while the daemon is away: the NIC is as it was at the start, and held until DEL', async () => {
  const pod = world.pod();
  await add('a', pod);
  await harness.kill();
  podVanishes(pod, 'net1');
  const { recovery } = await restarted();
  expect(recovery.failed).toEqual([]);
  expect(await stateOf(world, 'eth1')).toMatchObject({ name: 'eth1', mtu: 1400, up: true, alias: 'rail one' });
  expect((await harness.look()).counts).toMatchObject({ attachments: 1, lent: 1 });
  await del('a');
  await returned();
});

test('where another link has its name meanwhile, a NIC leaves the pod all the same, and has it back later', async () => {
  const pod = world.pod();
  await add('a', pod);
  world.exec(world.host, 'ip', 'link', 'add', 'eth1', 'type', 'bridge');
  await del('a', pod);
  expect(await world.links(pod)).toEqual([]);
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, lent: 1 });
  expect(await harness.settleLent()).toEqual([expect.stringContaining('NIC eth1 is not as it was')]);
  const other = world.exec(world.host, 'ip', '-json', 'addr', 'show', 'dev', 'eth1');
  expect(JSON.parse(other)).toMatchObject([{ mtu: 1500, addr_info: [], flags: expect.not.arrayContaining(['UP']) }]);
  world.exec(world.host, 'ip', 'link', 'del', 'dev', 'eth1');
  await returned();
});

test('pods that want NICs at once: no NIC twice; who comes too late is told who has them', async () => {
  const pods = ['a', 'b', 'c'].map((container) => ({ container, netns: world.pod() }));
  const outcomes = await Promise.allSettled(pods.map(({ container, netns }) => add(container, netns)));
  const refused: unknown[] = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  expect(refused).toMatchObject([{ code: code.tryAgainLater }]);
  expect(String(refused[0])).toMatch(/eth1 \(is lent to pod default\/[abc] .*eth2 \(is lent to pod default\/[abc] /);
  const macs = (await Promise.all(pods.map(async ({ netns }) => world.links(netns)))).flat().map(({ mac }) => mac);
  expect(new Set(macs).size).toBe(2);
  await expect(harness.call(networkCall('STATUS', 'lent'))).rejects.toMatchObject({
    code: code.notAvailable,
    message: expect.stringMatching(/0 of 2 NICs are free: eth1 is lent to pod default\/[abc]/),
  });
  await expect(add('m', world.pod(), { masters: ['eth1'] }, 'red')).rejects.toMatchObject({ code: code.tryAgainLater });
  await harness.call(networkCall('GC', 'lent', []));
  await returned();
  await harness.call(networkCall('STATUS', 'lent'));
});

test('a daemon that was killed gives nobody a NIC that a pod has', async () => {
  const [first, second] = [world.pod(), world.pod()];
  await add('a', first);
  await add('b', second);
  const macs = (await Promise.all([first, second].map((pod) => world.links(pod)))).flat().map(({ mac }) => mac);
  await restarted();
  const late = world.pod();
  await expect(add('c', late)).rejects.toMatchObject({
    code: code.tryAgainLater,
    message: expect.stringMatching(/eth1 \(is lent to pod default\/a .*eth2 \(is lent to pod default\/b /),
  });
  await expect(add('m', late, { masters: ['eth2'] }, 'red')).rejects.toMatchObject({ code: code.tryAgainLater });
  await del('a', first);
  await vi.waitFor(async () => {
    // As the daemon's watch of links would: this process has not seen eth1 on the host yet.
    await harness.settleLent();
    await add('c', late);
  }, 60_000);
  const now = (await Promise.all([late, second].map((pod) => world.links(pod)))).flat().map(({ mac }) => mac);
  expect(now).toEqual(macs);
  await Promise.all([del('b', second), del('c', late)]);
  await returned();
});

test('a NIC that others use is not lent: the pod gets another, and none when there is none', async () => {
  const [user, pod] = [world.pod(), world.pod()];
  await add('m', user, { masters: ['eth1'] }, 'red');
  await add('a', pod);
  expect((await harness.look()).records[1]?.calls).toMatchObject([{ nic: 'eth2', config: { device: 'eth2' } }]);
  await expect(add('b', world.pod())).rejects.toMatchObject({
    code: code.tryAgainLater,
    message: expect.stringContaining('eth1 (is used by pod default/m (network red))'),
  });
  await Promise.all([del('m', user, 'red'), del('a', pod)]);
  await returned();
});

test.each([
  ['before it took the NIC', 'exit 7'],
  ['after it took the NIC', 'printf %s "$in" | $REAL > /dev/null; exit 7'],
])('a delegate that fails %s: all is as before', async (_when, fail) => {
  const script = `in=$(cat); [ "$CNI_COMMAND" = ADD ] && { ${fail}; }; printf %s "$in" | $REAL`;
  const path = [world.delegate('host-device', script)];
  const parts = { network: 'lent', container: 'a', netns: world.pod(), path };
  await expect(harness.call(callOf('ADD', parts))).rejects.toThrow('host-device ADD failed with status 7');
  await returned();
});

test('NICs named by PCI address: the delegate is told so, on stdin', async () => {
  const seen = `${world.folder}/stdin`;
  const path = [world.delegate('host-device', `[ "$CNI_COMMAND" = ADD ] && { cat > ${seen}; exit 7; }; exec $REAL`)];
  const plugin = { type: 'host-device', pciBusID: '0000:3b:00.0, 0000:3B:00.1' };
  const parts = { network: 'lent', container: 'a', netns: world.pod(), path, plugin };
  await expect(harness.call(callOf('ADD', parts))).rejects.toThrow('NIC eth2: host-device ADD failed with status 7');
  expect(JSON.parse(world.exec(world.host, 'cat', seen))).toEqual({
    cniVersion: '1.0.0',
    name: 'lent',
    type: 'host-device',
    pciBusID: '0000:3B:00.1',
  });
  await returned();
});

test('without a record the NIC goes out of the pod all the same, and is not deleted', async () => {
  const pod = world.pod();
  const prevResult = await add('a', pod);
  await harness.kill();
  world.exec(world.host, 'sh', '-c', `rm ${world.folder}/store.db*`);
  await restarted();
  const parts = { network: 'lent', container: 'a', netns: pod };
  await harness.call(callOf('DEL', prevResult === undefined ? parts : { ...parts, prevResult }));
  expect(await world.links(pod)).toEqual([]);
  expect(await stateOf(world, 'eth1')).toMatchObject({ name: 'eth1', mtu: 1400 });
});

test('after a reboot the host’s own settings count: nothing is put back', async () => {
  const pod = world.pod();
  await add('b', pod, { masters: ['eth2'] });
  await harness.kill();
  // The NIC came up with the machine, with another address.
  podVanishes(pod, 'eth2');
  world.exec(world.host, 'ip', 'addr', 'add', '10.1.1.99/24', 'dev', 'eth2');
  const booted = await stateOf(world, 'eth2');
  const { recovery } = await restarted({ bootId: 'the-next-boot' });
  expect(recovery).toMatchObject({ rebooted: 1, failed: [] });
  expect(await stateOf(world, 'eth2')).toEqual(booted);
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, lent: 0 });
});

/** What sysfs says of eth2, on a host that has it on PCI; undefined: it is unplugged. */
function putOnPci(name: string, pciAddress?: string): void {
  const sys = join(world.folder, 'sys');
  rmSync(sys, { recursive: true, force: true });
  if (pciAddress === undefined) return;
  for (const folder of [`class/net/${name}/device`, `bus/pci/devices/${pciAddress}`]) {
    mkdirSync(join(sys, folder), { recursive: true });
  }
  writeFileSync(join(sys, `class/net/${name}/device/uevent`), `DRIVER=mlx5_core\nPCI_SLOT_NAME=${pciAddress}\n`);
  writeFileSync(join(sys, `bus/pci/devices/${pciAddress}/vendor`), '0x15b3\n');
}

test('a NIC on PCI is known by its address there, whatever a container did to it; one that is unplugged is gone', async () => {
  const [first, second] = [world.pod(), world.pod()];
  await restarted();
  world.exec(world.host, 'ip', 'link', 'set', 'dev', 'eth2', 'up');
  await vi.waitFor(async () => expect(await stateOf(world, 'eth2')).toMatchObject({ carrier: true }), 60_000);
  putOnPci('eth2', '0000:3b:00.1');
  await harness.settleLent();
  await add('a', first, { masters: ['eth2'] });
  world.exec(first, 'ip', 'link', 'set', 'dev', 'net1', 'address', '02:00:00:00:00:77', 'alias', 'mine');
  putOnPci('dev7', '0000:3b:00.1');
  podVanishes(first, 'dev7');
  await del('a');
  // Known as dev7 it was, and is renamed; sysfs follows.
  putOnPci('eth2', '0000:3b:00.1');
  await vi.waitFor(async () => {
    expect(await harness.settleLent()).toEqual([]);
    expect((await harness.look()).counts).toMatchObject({ lent: 0 });
  }, 60_000);
  await add('b', second, { masters: ['eth2'] });
  expect(await harness.settleLent()).toEqual([]);
  expect((await harness.look()).counts).toMatchObject({ attachments: 1, lent: 1 });
  putOnPci('eth2');
  expect(await harness.settleLent()).toEqual([]);
  expect((await harness.look()).counts).toMatchObject({ attachments: 1, lent: 0 });
  await del('b', second);
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, lent: 0 });
});
