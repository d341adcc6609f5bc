import { afterEach, beforeEach, expect, test } from 'vitest';
import { code } from '../../../src/api/cni-error.ts';
import type { PodRequest } from '../../../src/cni/types.ts';
import type { Harness } from '../../support/attach/client.ts';
import { dress, lendingPlans as plans, stateOf } from '../../support/attach/lent.ts';
import { callOf, createWorld, networkCall, type World } from '../../support/attach/world.ts';

let world: World;
let before: unknown;
beforeEach(async () => {
  world = createWorld(2);
  dress(world);
  before = await stateOf(world, 'eth1');
});
afterEach(async () => world.end());

const one: Partial<PodRequest> = { nics: 1 };
const add = (harness: Harness, container: string, netns: string, request = one, network = 'lent') =>
  harness.call(callOf('ADD', { network, container, netns, request }));
const del = (harness: Harness, container: string, netns = '', network = 'lent') =>
  harness.call(callOf('DEL', { network, container, netns }));

test('a NIC goes into the pod with an address of its block, and comes back as it was', async () => {
  const harness = await world.start({ plans });
  const pod = world.pod();
  const result = await add(harness, 'a', pod);
  expect(await stateOf(world, 'eth1')).toBeUndefined();
  expect(await world.links(pod)).toMatchObject([{ name: 'net1', altnames: ['enp3s0', 'net1-0'], mtu: 1400, up: true }]);
  expect(result?.ips.map(({ address }) => address)).toEqual(['10.6.1.1/24', 'fd00:6:1::1/64']);
  await harness.call(callOf('CHECK', { network: 'lent', container: 'a', netns: pod }));
  expect((await harness.look()).counts).toMatchObject({ lent: 1, masters: 1 });
  await del(harness, 'a', pod);
  expect(await stateOf(world, 'eth1')).toEqual(before);
  expect(await world.links(pod)).toEqual([]);
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, lent: 0, masters: 0 });
});

/** What the kernel does with a NIC when its pod's namespace goes; the stand-in for it, a veth, would go too. */
function podVanishes(pod: string, as: string): void {
  world.exec(pod, 'ip', 'link', 'set', 'dev', 'net1', 'netns', world.host, 'name', as);
  world.namespaces.remove(pod);
}

test.each(['net1', 'dev7'])('DEL without a namespace: the NIC is found as %s and is as it was', async (as) => {
  const harness = await world.start({ plans });
  const pod = world.pod();
  await add(harness, 'a', pod);
  podVanishes(pod, as);
  await del(harness, 'a');
  expect(await stateOf(world, 'eth1')).toEqual(before);
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, lent: 0 });
});

test('a NIC that is still on its way back when DEL is answered stays taken, and is given back when it comes', async () => {
  const harness = await world.start({ plans });
  const [pod, elsewhere] = [world.pod(), world.pod()];
  await add(harness, 'a', pod, { masters: ['eth1'] });
  world.exec(pod, 'ip', 'link', 'set', 'dev', 'net1', 'netns', elsewhere);
  world.namespaces.remove(pod);
  await del(harness, 'a');
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, lent: 1 });
  await expect(add(harness, 'b', world.pod(), { masters: ['eth1'] })).rejects.toMatchObject({
    code: code.tryAgainLater,
    message: expect.stringContaining('eth1 (is lent to pod default/a (network lent))'),
  });
  expect(await harness.settleLent()).toEqual([]);
  podVanishes(elsewhere, 'net1');
  expect(await harness.settleLent()).toEqual([]);
  expect(await stateOf(world, 'eth1')).toEqual(before);
  expect((await harness.look()).counts).toMatchObject({ lent: 0 });
  await add(harness, 'b', world.pod(), { masters: ['eth1'] });
});

test('the pod vanishes while the daemon is away: the NIC is as it was at the start, and stays the attachment’s until DEL', async () => {
  const first = await world.start({ plans });
  const pod = world.pod();
  await add(first, 'a', pod);
  await first.kill();
  podVanishes(pod, 'net1');
  const second = await world.start({ plans });
  expect(second.recovery.failed).toEqual([]);
  expect(await stateOf(world, 'eth1')).toEqual(before);
  expect((await second.look()).counts).toMatchObject({ attachments: 1, lent: 1 });
  await del(second, 'a');
  expect((await second.look()).counts).toMatchObject({ attachments: 0, lent: 0 });
  expect(await stateOf(world, 'eth1')).toEqual(before);
});

test('after a reboot the host’s own settings count: nothing is put back', async () => {
  const first = await world.start({ plans });
  const pod = world.pod();
  await add(first, 'a', pod);
  await first.kill();
  // The NIC came up with the machine, with another address.
  podVanishes(pod, 'eth1');
  world.exec(world.host, 'ip', 'link', 'set', 'dev', 'eth1', 'up', 'mtu', '9000');
  world.exec(world.host, 'ip', 'addr', 'add', '10.1.1.99/24', 'dev', 'eth1');
  const booted = await stateOf(world, 'eth1');
  const second = await world.start({ plans, bootId: 'the-next-boot' });
  expect(second.recovery).toMatchObject({ rebooted: 1, failed: [] });
  expect(await stateOf(world, 'eth1')).toEqual(booted);
  expect((await second.look()).counts).toMatchObject({ attachments: 0, lent: 0 });
});

test('what a container did to its NIC is undone: another name, MAC and MTU, down, addresses', async () => {
  const harness = await world.start({ plans });
  const pod = world.pod();
  await add(harness, 'a', pod);
  world.exec(pod, 'ip', 'link', 'set', 'dev', 'net1', 'down');
  world.exec(pod, 'ip', 'link', 'set', 'dev', 'net1', 'name', 'mine', 'address', '02:00:00:00:00:77', 'mtu', '600');
  await del(harness, 'a', pod);
  expect(await stateOf(world, 'eth1')).toEqual(before);
  expect(await world.links(pod)).toEqual([]);
});

test('a NIC that was down is down again, with its address; another link may have taken the name meanwhile', async () => {
  const wasDown = await stateOf(world, 'eth2');
  // Discovery chooses no NIC that is down: the plan may.
  const harness = await world.start({ plans });
  const pod = world.pod();
  world.exec(world.host, 'ip', 'link', 'set', 'dev', 'eth2', 'up');
  const wasUp = await stateOf(world, 'eth2');
  await harness.kill();
  const second = await world.start({ plans });
  await add(second, 'a', pod, { masters: ['eth2'] });
  world.exec(world.host, 'ip', 'link', 'add', 'eth2', 'type', 'bridge');
  await del(second, 'a', pod);
  expect(await world.links(pod)).toEqual([]);
  expect((await second.look()).counts).toMatchObject({ attachments: 0, lent: 1 });
  expect(await second.settleLent()).toEqual([expect.stringContaining('NIC eth2 is not as it was')]);
  world.exec(world.host, 'ip', 'link', 'del', 'dev', 'eth2');
  expect(await second.settleLent()).toEqual([]);
  expect(await stateOf(world, 'eth2')).toEqual(wasUp);
  expect(wasUp).not.toEqual(wasDown);
});

test('pods that want NICs at once: no NIC twice; who comes too late is told who has them', async () => {
  world.exec(world.host, 'ip', 'link', 'set', 'dev', 'eth2', 'up');
  const harness = await world.start({ plans });
  const pods = ['a', 'b', 'c'].map((container) => ({ container, netns: world.pod() }));
  const outcomes = await Promise.allSettled(pods.map(({ container, netns }) => add(harness, container, netns)));
  const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  expect(refused).toMatchObject([{ code: code.tryAgainLater }]);
  expect(String(refused[0])).toMatch(/eth1 \(is lent to pod default\/[abc] .*eth2 \(is lent to pod default\/[abc] /);
  const macs = (await Promise.all(pods.map(async ({ netns }) => world.links(netns)))).flat().map(({ mac }) => mac);
  expect(new Set(macs).size).toBe(2);
  await expect(harness.call(networkCall('STATUS', 'lent'))).rejects.toMatchObject({
    code: code.notAvailable,
    message: expect.stringMatching(/0 of 2 NICs are free: eth1 is lent to pod default\/[abc]/),
  });
  await expect(add(harness, 'm', world.pod(), { masters: ['eth1'] }, 'red')).rejects.toMatchObject({
    code: code.tryAgainLater,
  });
  await harness.call(networkCall('GC', 'lent', []));
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, lent: 0 });
  await harness.call(networkCall('STATUS', 'lent'));
});

test('a NIC that others use is not lent: the pod gets another, and none when there is none', async () => {
  world.exec(world.host, 'ip', 'link', 'set', 'dev', 'eth2', 'up');
  const harness = await world.start({ plans });
  await add(harness, 'm', world.pod(), { masters: ['eth1'] }, 'red');
  const pod = world.pod();
  await add(harness, 'a', pod);
  expect((await harness.look()).records[1]?.calls).toMatchObject([{ nic: 'eth2', config: { device: 'eth2' } }]);
  await expect(add(harness, 'b', world.pod())).rejects.toMatchObject({
    code: code.tryAgainLater,
    message: expect.stringContaining('eth1 (is used by pod default/m (network red))'),
  });
});

test('host-device-ipam: the NIC’s own addresses go with it and come back', async () => {
  const harness = await world.start({ plans });
  const pod = world.pod();
  const result = await add(harness, 'a', pod, one, 'along');
  expect(result?.ips).toMatchObject([
    { address: '10.1.1.2/24', interface: 0 },
    { address: 'fd00:1::2/64', interface: 0 },
  ]);
  await harness.call(callOf('CHECK', { network: 'along', container: 'a', netns: pod }));
  podVanishes(pod, 'net1');
  await del(harness, 'a', '', 'along');
  expect(await stateOf(world, 'eth1')).toEqual(before);
});

test.each([
  ['pciBusID', '0000:3b:00.0, 0000:3B:00.1', { pciBusID: '0000:3B:00.1' }],
  ['hwaddr', undefined, {}],
  ['kernelpath', '/sys/devices/pci0000:3a/0000:3b:00.1', { kernelpath: '/sys/devices/pci0000:3a/0000:3b:00.1' }],
  ['device', 'eth9,eth2', { device: 'eth2' }],
])('NICs named by %s: the delegate is told so, on stdin', async (way, text, wanted) => {
  world.exec(world.host, 'ip', 'link', 'set', 'dev', 'eth2', 'up');
  const harness = await world.start({ plans, devices: { eth2: { pciAddress: '0000:3b:00.1' } } });
  const seen = `${world.folder}/stdin`;
  const path = [world.delegate('host-device', `[ "$CNI_COMMAND" = ADD ] && { cat > ${seen}; exit 7; }; exec $REAL`)];
  const links = JSON.parse(world.exec(world.host, 'ip', '-json', 'link', 'show', 'dev', 'eth2'));
  const mac: string = links[0].address;
  const plugin = { type: 'host-device', [way]: text ?? mac };
  const parts = { network: 'lent', container: 'a', netns: world.pod(), path, plugin };
  await expect(harness.call(callOf('ADD', parts))).rejects.toThrow('NIC eth2: host-device ADD failed with status 7');
  expect(JSON.parse(world.exec(world.host, 'cat', seen))).toEqual({
    cniVersion: '1.0.0',
    name: 'lent',
    type: 'host-device',
    ipam: { type: 'static', addresses: [{ address: '10.6.2.1/24' }, { address: 'fd00:6:2::1/64' }] },
    ...(way === 'hwaddr' ? { hwaddr: mac } : wanted),
  });
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, lent: 0 });
});

test('without a record the NIC goes out of the pod all the same, and is not deleted', async () => {
  const harness = await world.start({ plans });
  const pod = world.pod();
  const prevResult = await add(harness, 'a', pod);
  await harness.kill();
  world.exec(world.host, 'sh', '-c', `rm ${world.folder}/store.db*`);
  const second = await world.start({ plans });
  const parts = { network: 'lent', container: 'a', netns: pod };
  await second.call(callOf('DEL', prevResult === undefined ? parts : { ...parts, prevResult }));
  expect(await world.links(pod)).toEqual([]);
  expect(await stateOf(world, 'eth1')).toMatchObject({ name: 'eth1', mtu: 1400 });
});
