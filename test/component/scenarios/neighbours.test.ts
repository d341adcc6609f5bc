import { afterAll, beforeAll, expect, it } from 'vitest';
import type { HostInterface } from '../../../src/api/kinds/hostinterface.ts';
import { createKernel } from '../../../src/kernel/ip.ts';
import { resources } from '../../../src/kube/calls/resource.ts';
import { until } from '../../../src/lab/cluster/wait.ts';
import type { Lab } from '../../../src/lab/lab.ts';
import type { LabPod } from '../../../src/lab/pods/pods.ts';
import { item } from '../../support/scenario/item.ts';
import { createLab } from '../../support/scenario/lab.ts';
import {
  apply,
  applyReady,
  deleteNetwork,
  type NetworkWish,
  waitCondition,
  waitReady,
} from '../../support/scenario/networks.ts';
import { addressTexts, lostPings } from '../../support/scenario/pods.ts';

const rail1 = ['10.1.1.0/24'];

let lab: Lab;
const pods: LabPod[] = [];

beforeAll(async () => {
  lab = await createLab({ hosts: 2, nics: 2, pods: 8 });
  await applyReady(lab, 'older', { subnets: ['172.16.0.0/16'], interfaceBlock: 1, hostBlock: 4, masterNets: rail1 });
  await addPods('older');
});
afterAll(() => lab?.close());

async function addPods(networks: string): Promise<LabPod[]> {
  for (const host of lab.hosts) pods.push(await lab.addPod({ name: `pod${pods.length}`, host, networks }));
  return pods.slice(-lab.hosts.length);
}

async function nadsOf(name: string): Promise<string> {
  const text = await lab.api.kubectl(['get', 'network-attachment-definitions', '-A', '-o', 'name']);
  return text
    .split('\n')
    .filter((line) => line.endsWith(`/${name}`))
    .join();
}

const bits = { interfaceBlock: 1, hostBlock: 4 };

it.each<[name: string, wish: NetworkWish, type: string, reason: string, message: string | RegExp]>([
  [
    'other-kind',
    { ...bits, subnets: ['172.17.0.0/16'], type: 'ipvlan', mode: 'l2', masterNets: rail1 },
    'Accepted',
    'LinkKindConflict',
    'network "other-kind" makes ipvlan links on NIC eth1 of host host1, network "older" macvlan links, and a NIC carries one kind: use plugin type macvlan, or other NICs by masterNets',
  ],
  [
    'overlaps',
    { ...bits, subnets: ['172.16.128.0/20'], masterNets: rail1 },
    'Accepted',
    'SubnetOverlap',
    'subnet 172.16.128.0/20 of network "overlaps" overlaps 172.16.0.0/16 of network "older": choose a prefix outside it',
  ],
  [
    'over-hosts',
    { ...bits, subnets: ['10.1.2.0/23'] },
    'Accepted',
    'OverlapsHostNetwork',
    'subnet 10.1.2.0/23 of network "over-hosts" overlaps 10.1.2.0/24, the network of NIC eth2 of host host1: choose a prefix outside it',
  ],
  [
    'too-many-bits',
    { subnets: ['172.18.0.0/24'], interfaceBlock: 4, hostBlock: 5, asJson: true },
    'Accepted',
    'Invalid',
    'spec.ipam: interfaceBlock 4 and hostBlock 5 need 9 bits, 172.18.0.0/24 has 8 behind its prefix: lower them or give a larger subnet',
  ],
  [
    'no-address',
    { ...bits, subnets: ['172.18.0.0/24'], excludeCIDRs: ['172.18.0.0/24'] },
    'Accepted',
    'Invalid',
    /^spec\.subnets\[0\]: 172\.18\.0\.0\/24 has no address that a pod could get/,
  ],
  [
    'too-few-indexes',
    { subnets: ['172.19.0.0/16'], interfaceBlock: 0, hostBlock: 4 },
    'Planned',
    'InterfaceIndexesExhausted',
    'interfaceBlock 0 numbers 1 NIC networks, 1 have an index and 1 more need one: NICs on 10.1.2.0/24 are left out. Raise interfaceBlock or list fewer networks in masterNets',
  ],
  [
    'too-few-hosts',
    { subnets: ['172.20.0.0/16'], interfaceBlock: 1, hostBlock: 0 },
    'Planned',
    'HostIndexesExhausted',
    "hostBlock 0 gives each NIC network to one host: 10.1.1.0/24 is host host1's, host host2 has no block there. Raise hostBlock; hostBlock 0 gives each NIC network to one host: 10.1.2.0/24 is host host1's, host host2 has no block there. Raise hostBlock",
  ],
])('%s says what is wrong; the network that was there works on', async (name, wish, type, reason, message) => {
  await apply(lab, name, wish);
  const condition = await waitCondition(lab, name, type, ({ status }) => status === 'False');
  expect(condition).toMatchObject({
    reason,
    message: message instanceof RegExp ? expect.stringMatching(message) : message,
  });
  const ready = await waitCondition(lab, name, 'Ready', ({ status }) => status === 'False');
  expect(ready).toMatchObject({ reason });
  if (type === 'Accepted') expect(await nadsOf(name)).toBe('');
  await waitReady(lab, 'older');
  await lab.removePod(await lab.addPod({ name: 'meanwhile', host: item(lab.hosts, 0), networks: 'older' }));
});

it('what fits of a network that does not fit whole is served', async () => {
  const [first, second] = [item(lab.hosts, 0), item(lab.hosts, 1)];
  const pod = await lab.addPod({ name: 'one-nic', host: first, networks: 'too-few-indexes' });
  expect(addressTexts(pod)).toEqual(['net1 172.19.0.1/16']);
  const other = await lab.addPod({ name: 'one-host', host: first, networks: 'too-few-hosts' });
  expect(addressTexts(other)).toEqual(['net1 172.20.0.1/17', 'net1-1 172.20.128.1/17']);
  await expect(lab.addPod({ name: 'no-host', host: second, networks: 'too-few-hosts' })).rejects.toMatchObject({
    code: 7,
    message: expect.stringContaining('host host2 serves no network too-few-hosts (it serves: older, too-few-indexes)'),
  });
  for (const one of [pod, other]) await lab.removePod(one);
  for (const name of ['over-hosts', 'too-many-bits', 'no-address', 'too-few-indexes', 'too-few-hosts']) {
    await deleteNetwork(lab, name);
  }
});

it('a network that lends the NIC beside it: the NIC stays known as it was, nothing is written, and it comes back', async () => {
  const host = item(lab.hosts, 0);
  const kernel = createKernel({ enter: ['nsenter', '-t', String(host.pid), '--net'] });
  const hostInterface = async () => lab.api.client.get<HostInterface>(resources.hostInterfaces, host.name);
  const before = await kernel.save('eth2');
  await applyReady(lab, 'lent', {
    ...bits,
    subnets: ['172.23.0.0/16'],
    type: 'host-device',
    masterNets: ['10.1.2.0/24'],
  });
  const known = await hostInterface();
  const lent: LabPod[] = [];
  for (const on of lab.hosts) lent.push(await lab.addPod({ name: `lent-${on.name}`, host: on, networks: 'lent' }));
  expect(lent.flatMap(addressTexts)).toEqual(['net1 172.23.0.1/17', 'net1 172.23.8.0/17']);
  expect(await kernel.save('eth2')).toBeUndefined();
  expect(await lostPings(lent)).toEqual([]);
  expect(await lostPings(pods)).toEqual([]);
  await expect(lab.addPod({ name: 'too-late', host, networks: 'lent' })).rejects.toMatchObject({
    code: 11,
    message: expect.stringContaining('eth2 (is lent to pod default/lent-host1 (network lent))'),
  });
  // The daemon does not see it on the host when it starts, and knows it all the same.
  await lab.killDaemon(host);
  await lab.startDaemon(host);
  for (const pod of lent) await lab.removePod(pod);
  // Its cable is noticed a moment after it is up.
  await until('the NIC to be as it was', async () => (await kernel.save('eth2'))?.carrier === true || undefined);
  expect(await kernel.save('eth2')).toEqual({ ...before, index: expect.any(Number) });
  // Longer than it takes to look for NICs after an event, and to write.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  expect((await hostInterface()).metadata.generation).toBe(known.metadata.generation);
  await waitReady(lab, 'lent');
  await deleteNetwork(lab, 'lent');
});

it('ipvlan networks with two modes on one NIC: the older keeps it', async () => {
  const wish = { ...bits, type: 'ipvlan', masterNets: ['10.1.2.0/24'] } as const;
  await applyReady(lab, 'routed', { ...wish, subnets: ['172.21.0.0/16'], mode: 'l3' });
  await apply(lab, 'bridged', { ...wish, subnets: ['172.22.0.0/16'], mode: 'l2' });
  expect(await waitCondition(lab, 'bridged', 'Ready', ({ status }) => status === 'False')).toMatchObject({
    reason: 'ModeConflict',
    message:
      'network "bridged" needs ipvlan mode l2 on NIC eth2 of host host1, network "routed" l3, and the mode belongs to the whole NIC: use mode l3, or other NICs by masterNets',
  });
  expect(await nadsOf('bridged')).toBe('');
  await deleteNetwork(lab, 'routed');
  await waitReady(lab, 'bridged');
  expect(await nadsOf('bridged')).not.toBe('');
});

it('when the older one is deleted, those that waited are heard by age', async () => {
  expect(await lostPings(pods)).toEqual([]);
  for (const pod of pods.splice(0)) await lab.removePod(pod);
  await deleteNetwork(lab, 'older');
  await waitReady(lab, 'other-kind');
  const named = ({ message }: { readonly message: string }) => message.includes('other-kind');
  expect(await waitCondition(lab, 'overlaps', 'Ready', named)).toMatchObject({ reason: 'LinkKindConflict' });
  expect(await nadsOf('overlaps')).toBe('');
  await deleteNetwork(lab, 'other-kind');
  await waitReady(lab, 'overlaps');
  expect(await lostPings(await addPods('overlaps'))).toEqual([]);
});
