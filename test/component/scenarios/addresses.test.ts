import { afterAll, beforeAll, expect, it } from 'vitest';

import type { HostInterface } from '../../../src/api/kinds/hostinterface.ts';
import { resources } from '../../../src/kube/calls/resource.ts';
import type { LabHost } from '../../../src/lab/hosts/hosts.ts';
import type { Lab } from '../../../src/lab/lab.ts';
import type { Listing } from '../../../src/lab/leftovers/item.ts';
import { callAdd, callCheck, callDel } from '../../../src/lab/pods/attach.ts';
import type { LabPod } from '../../../src/lab/pods/pods.ts';
import { scrape, valueOf } from '../../support/metrics.ts';
import { item } from '../../support/scenario/item.ts';
import { createLab } from '../../support/scenario/lab.ts';
import { leftovers, listing } from '../../support/scenario/leftovers.ts';
import { applyReady, deleteNetwork } from '../../support/scenario/networks.ts';
import { addressTexts, linksOf, lostPings } from '../../support/scenario/pods.ts';

let lab: Lab;
let before: Listing;
let hosts: readonly LabHost[];

beforeAll(async () => {
  lab = await createLab({ hosts: 2, nics: 2, families: [4, 6], pods: 8 });
  hosts = lab.hosts;
  before = await listing(lab);
});
afterAll(() => lab?.close());

const dual = { subnets: ['192.168.0.0/16', 'fd00:2::/48'], interfaceBlock: 2, hostBlock: 6 };
const six = { subnets: ['fd00:3::/64'], interfaceBlock: 2, hostBlock: 6 };

async function addPods(networks: string, names: readonly string[]): Promise<LabPod[]> {
  const pods: LabPod[] = [];
  for (const [at, name] of names.entries()) {
    pods.push(await lab.addPod({ name, host: item(hosts, at % 2), networks }));
  }
  return pods;
}

/** Every address that the result names is on its link, and no IPv6 address waits for anything. */
async function expectUsable(pod: LabPod): Promise<void> {
  const links = await linksOf(pod);
  const addresses = links.flatMap((link) => link.addresses.map((entry) => ({ link: link.name, ...entry })));
  expect(addresses.filter(({ tentative }) => tentative)).toEqual([]);
  const carried = links.map(({ name, up }) => ({ name, up }));
  const made = item(pod.attachments, 0).result.interfaces.map(({ name }) => ({ name, up: true }));
  expect(carried).toEqual(made);
}

/** A host tells what it has and serves, for `kubectl get hostinterfaces`, and in metrics what its pods hold. */
async function expectTold(host: LabHost, network: string, held: number): Promise<void> {
  const { spec } = await lab.api.client.get<HostInterface>(resources.hostInterfaces, host.name);
  expect(spec).toMatchObject({ nics: 'eth1,eth2', serves: network });
  const address = item(item(host.nics, 0).addresses, 0).split('/')[0];
  const series = await scrape(`http://${address}:11000`);
  expect(valueOf(series, 'multinic_ready')).toBe(1);
  expect(valueOf(series, 'multinic_attachments', { network })).toBe(held);
  const inPool = (state: string) => valueOf(series, 'multinic_pool_addresses', { network, nic: 'eth1', state });
  expect(inPool('held')).toBeGreaterThanOrEqual(held);
  expect(inPool('free')).toBeGreaterThan(0);
  expect(valueOf(series, 'multinic_cni_call_seconds_count', { verb: 'ADD', outcome: 'ok' })).toBeGreaterThan(0);
  expect(valueOf(series, 'multinic_nic_up', { nic: 'eth1' })).toBe(1);
  expect(valueOf(series, 'multinic_spool_entries')).toBe(0);
}

it.each([
  {
    title: 'dual stack: an address of each family on each NIC',
    wish: dual,
    first: ['net1 192.168.0.1/18', 'net1 fd00:2::1/50', 'net1-1 192.168.64.1/18', 'net1-1 fd00:2:0:4000::1/50'],
  },
  { title: 'IPv6 alone', wish: six, first: ['net1 fd00:3::1/66', 'net1-1 fd00:3::4000:0:0:1/66'] },
])('$title, usable at once, across hosts', async ({ wish, first }) => {
  await applyReady(lab, 'both', wish);
  const pods = await addPods('both', ['a', 'b', 'c', 'd']);
  const [a, b] = [item(pods, 0), item(pods, 1)];
  await expectUsable(a);
  await expectTold(item(hosts, 0), 'both', 2);
  expect(addressTexts(a)).toEqual(first);
  // No wait for duplicate detection: the very first packets arrive.
  expect(await lostPings([a, b])).toEqual([]);
  expect(await lostPings(pods)).toEqual([]);

  const attachment = item(a.attachments, 0);
  await callCheck(a.host, a.sandbox, attachment);
  const links = await linksOf(a);
  expect(await callAdd(a.host, a.sandbox, attachment)).toEqual(attachment.result);
  expect(await linksOf(a)).toEqual(links);

  await callDel(a.host, a.sandbox, attachment);
  expect(await linksOf(a)).toEqual([]);
  await callDel(a.host, a.sandbox, attachment);
  for (const pod of pods) await lab.removePod(pod);
  await deleteNetwork(lab, 'both');
  expect(await leftovers(lab, before)).toEqual([]);
});

it('two networks on one pod, each on NICs of its own or of both', async () => {
  await applyReady(lab, 'one', {
    subnets: ['172.16.0.0/16'],
    interfaceBlock: 2,
    hostBlock: 4,
    masterNets: ['10.1.1.0/24'],
  });
  await applyReady(lab, 'all', { ...dual, capabilities: { ips: true } });
  const pods = [
    await lab.addPod({ name: 'a', host: item(hosts, 0), networks: 'one,all' }),
    await lab.addPod({ name: 'b', host: item(hosts, 1), networks: 'default/one, all@fast' }),
    await lab.addPod({ name: 'c', host: item(hosts, 1), networks: 'one@eth5,default/all@eth6' }),
  ];
  const names = await Promise.all(pods.map(async (pod) => (await linksOf(pod)).map(({ name }) => name)));
  expect(names).toEqual([
    ['net1', 'net2', 'net2-1'],
    ['fast', 'fast-1', 'net1'],
    ['eth5', 'eth6', 'eth6-1'],
  ]);
  expect(await lostPings(pods)).toEqual([]);

  const status = await lab.api.kubectl(['get', 'pod', 'a', '-o', 'jsonpath={.metadata.annotations}']);
  expect(status).toContain('net2-1');

  const twice = await lab.addPod({ name: 'twice', host: item(hosts, 0), networks: 'one,one' });
  expect(addressTexts(twice)).toEqual(['net1 172.16.0.2/18', 'net2 172.16.0.3/18']);
  for (const pod of [...pods, twice]) await lab.removePod(pod);
  for (const name of ['one', 'all']) await deleteNetwork(lab, name);
  expect(await leftovers(lab, before)).toEqual([]);
});

it('the pod chooses NICs and addresses: nics, masters, ips in each of the ways that Multus hands them over', async () => {
  await applyReady(lab, 'plain', dual);
  await applyReady(lab, 'able', {
    subnets: ['172.16.0.0/16'],
    interfaceBlock: 2,
    hostBlock: 4,
    capabilities: { ips: true },
  });
  const cases: [networks: readonly object[], addresses: readonly string[]][] = [
    [[{ name: 'able', 'cni-args': { nics: 1 } }], ['net1 172.16.0.1/18']],
    [[{ name: 'able', 'cni-args': { masters: ['eth2'] } }], ['net1 172.16.64.1/18']],
    [
      [{ name: 'able', interface: 'rdma', 'cni-args': { masters: ['eth2', 'eth1'] } }],
      ['rdma 172.16.64.2/18', 'rdma-1 172.16.0.2/18'],
    ],
    // By CNI_ARGS alone, by the capability too, and by cni-args; each goes to the NIC whose block it is of.
    [
      [{ name: 'plain', ips: ['192.168.64.77', 'fd00:2::99'] }],
      ['net1 192.168.0.1/18', 'net1 fd00:2::99/50', 'net1-1 192.168.64.77/18', 'net1-1 fd00:2:0:4000::1/50'],
    ],
    [
      [{ name: 'able', ips: ['172.16.64.200/18', '172.16.0.200'] }],
      ['net1 172.16.0.200/18', 'net1-1 172.16.64.200/18'],
    ],
    [
      [
        { name: 'able', 'cni-args': { nics: 1, ips: ['172.16.64.201'] } },
        { name: 'plain', interface: 'slow' },
      ],
      [
        'net1 172.16.64.201/18',
        'slow 192.168.0.2/18',
        'slow fd00:2::1/50',
        'slow-1 192.168.64.1/18',
        'slow-1 fd00:2:0:4000::2/50',
      ],
    ],
  ];
  const pods: LabPod[] = [];
  for (const [at, [networks, addresses]] of cases.entries()) {
    const pod = await lab.addPod({ name: `p${at}`, host: item(hosts, 0), networks: JSON.stringify(networks) });
    pods.push(pod);
    expect.soft(addressTexts(pod), JSON.stringify(networks)).toEqual(addresses);
  }
  for (const pod of pods) await lab.removePod(pod);
  for (const name of ['plain', 'able']) await deleteNetwork(lab, name);
  expect(await leftovers(lab, before)).toEqual([]);
});
