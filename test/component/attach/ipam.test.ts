import { afterEach, beforeEach, expect, test } from 'vitest';
import { code } from '../../../src/api/cni-error.ts';
import { parseCall } from '../../../src/cni/call.ts';
import type { Call } from '../../../src/cni/types.ts';
import { callOf, createWorld, networkCall, plansText, stampNow, type World } from '../../support/attach/world.ts';

const plans = plansText([
  {
    network: 'dual',
    blocks: { eth1: ['10.6.1.64/30', 'fd00:6:1::100/126'], eth2: ['10.6.2.64/30', 'fd00:6:2::100/126'] },
  },
]);

let world: World;
beforeEach(() => {
  world = createWorld(2);
});
afterEach(async () => world.end());

/** As a main plugin under the configuration `by-hand` calls. */
function asked(
  verb: string,
  container: string,
  netns: string,
  ifname = 'net1',
  more: Record<string, unknown> = {},
): Call {
  const conf = { cniVersion: '1.1.0', name: 'by-hand', type: 'macvlan', master: 'eth2', ...more };
  return parseCall({
    program: 'multi-nic-ipam',
    environment: {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: container,
      CNI_NETNS: netns,
      CNI_IFNAME: ifname,
      CNI_PATH: '/usr/lib/cni',
    },
    stdin: JSON.stringify({ ...conf, ipam: { type: 'multi-nic-ipam', network: 'dual', ...Object(more['ipam']) } }),
    stamp: stampNow(),
  });
}

test('addresses alone, from the block of the NIC; asked again the same; DEL twice; GC of each touches its own', async () => {
  const harness = await world.start({ plans });
  const netns = world.pod();
  const routes = [{ dst: '10.99.0.0/16', gw: '10.6.2.1' }];
  const first = await harness.call(asked('ADD', 'a', netns, 'net1', { ipam: { routes }, dns: { domain: 'here' } }));
  expect(first).toEqual({
    interfaces: [],
    ips: [{ address: '10.6.2.64/24' }, { address: 'fd00:6:2::100/64' }],
    routes,
    dns: { domain: 'here' },
  });
  expect(await harness.call(asked('ADD', 'a', netns))).toEqual(first);
  const requested = await harness.call(
    asked('ADD', 'a', netns, 'net2', { runtimeConfig: { ips: ['10.6.2.66', 'fd00:6:2::102'] } }),
  );
  expect(requested?.ips.map(({ address }) => address)).toEqual(['10.6.2.66/24', 'fd00:6:2::102/64']);
  await harness.call(callOf('ADD', { network: 'dual', container: 'b', netns: world.pod() }));
  // Multus's GC of the network knows nothing of these, nor theirs of the network's.
  await harness.call(networkCall('GC', 'dual', [{ containerID: 'b', ifname: 'net1' }]));
  const valid = [{ containerID: 'a', ifname: 'net1' }];
  expect((await harness.look()).counts).toMatchObject({ attachments: 3, addresses: 8 });
  await harness.call(asked('GC', 'a', netns, 'net1', { 'cni.dev/valid-attachments': valid }));
  expect((await harness.look()).records.map(({ key }) => `${key.containerID} ${key.ifname}`).sort()).toEqual([
    'a ipam:by-hand:net1',
    'b net1',
  ]);
  await harness.call(asked('DEL', 'a', '', 'net1', { ipam: { network: 'renamed' } }));
  await harness.call(asked('DEL', 'a', netns));
  expect((await harness.look()).counts).toMatchObject({ attachments: 1, addresses: 4 });
});

test('no NIC, one that is not the network’s, no room, no such network: told by name; STATUS says so before', async () => {
  const harness = await world.start({ plans });
  const netns = world.pod();
  const add = (more: Record<string, unknown>) => harness.call(asked('ADD', 'a', netns, 'net1', more));
  await expect(add({ master: 'eth9' })).rejects.toThrow(
    /"by-hand" \(plugin macvlan\) names NIC eth9, but network dual has blocks on host host-under-test for eth1, eth2: put one/,
  );
  await expect(add({ master: null })).rejects.toMatchObject({ code: code.invalidConfig });
  await expect(add({ ipam: { network: 'nowhere' } })).rejects.toThrow(/serves no network nowhere/);
  await expect(add({ runtimeConfig: { ips: ['10.6.1.65'] } })).rejects.toMatchObject({ code: code.unsatisfiable });
  await harness.call(asked('STATUS', 'a', netns));
  // Of the four IPv4 addresses none is the rail's first or last.
  for (let index = 1; index <= 4; index += 1) await harness.call(asked('ADD', 'a', netns, `net${index}`));
  await expect(harness.call(asked('ADD', 'a', netns, 'net5'))).rejects.toMatchObject({ code: code.exhausted });
  await expect(harness.call(asked('STATUS', 'a', netns))).rejects.toMatchObject({ code: code.notAvailable });
  await harness.call(asked('STATUS', 'a', netns, 'net1', { master: 'eth1' }));
  for (let index = 5; index >= 1; index -= 1) await harness.call(asked('DEL', 'a', netns, `net${index}`));
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, addresses: 0 });
});

test('killed before the answer: given back; killed after it: kept, and CHECK holds; another boot: given back', async () => {
  const netns = world.pod();
  const killAt = { step: 'add:committed', occurrence: 1, phase: 'serving' } as const;
  const killed = await world.start({ plans, killAt });
  await expect(killed.call(asked('ADD', 'a', netns))).rejects.toThrow();
  await killed.ended;
  const second = await world.start({ plans });
  expect(second.recovery).toMatchObject({ found: { pending: 1 }, failed: [] });
  expect((await second.look()).counts).toMatchObject({ attachments: 0, addresses: 0 });
  const given = await second.call(asked('ADD', 'a', netns));
  await second.kill();

  const third = await world.start({ plans });
  expect(await third.call(asked('ADD', 'a', netns))).toEqual(given);
  world.namespaces.ip(netns, 'link', 'add', 'net1', 'type', 'veth');
  for (const { address } of given?.ips ?? []) {
    world.namespaces.ip(netns, 'address', 'add', address, 'dev', 'net1', 'nodad');
  }
  const ips = (given?.ips ?? []).map((ip) => ({ ...ip, interface: 0 }));
  const prevResult = { cniVersion: '1.1.0', interfaces: [{ name: 'net1', sandbox: netns }], ips };
  await third.call(asked('CHECK', 'a', netns, 'net1', { prevResult }));
  world.namespaces.ip(netns, 'address', 'del', '10.6.2.64/24', 'dev', 'net1');
  await expect(third.call(asked('CHECK', 'a', netns, 'net1', { prevResult }))).rejects.toThrow(
    /address 10\.6\.2\.64\/24 is missing on interface net1/,
  );
  await expect(
    third.call(asked('CHECK', 'a', netns, 'net1', { prevResult: { ...prevResult, ips: ips.slice(1) } })),
  ).rejects.toThrow(/prevResult lacks address 10\.6\.2\.64/);
  await expect(third.call(asked('CHECK', 'x', netns, 'net1', { prevResult }))).rejects.toMatchObject({
    code: code.unknownContainer,
  });
  await third.kill();

  const booted = await world.start({ plans, bootId: '00000000-0000-4000-8000-000000000001' });
  expect(booted.recovery).toMatchObject({ rebooted: 1, failed: [] });
  expect((await booted.look()).counts).toMatchObject({ attachments: 0, addresses: 0 });
});
