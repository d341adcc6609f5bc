import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CIDR } from '../../../src/api/kinds/cidr.ts';
import type { CIDRSlice } from '../../../src/api/kinds/cidrslice.ts';
import type { HostInterface } from '../../../src/api/kinds/hostinterface.ts';
import { resources } from '../../../src/kube/calls/resource.ts';
import { until } from '../../../src/lab/cluster/wait.ts';
import type { LabHost } from '../../../src/lab/hosts/hosts.ts';
import type { Lab } from '../../../src/lab/lab.ts';
import { item } from '../../support/scenario/item.ts';
import { createLab } from '../../support/scenario/lab.ts';
import { apply, applyReady, network, waitCondition, waitReady } from '../../support/scenario/networks.ts';
import { addressTexts, lostPings } from '../../support/scenario/pods.ts';

const wish = { subnets: ['172.16.0.0/16'], interfaceBlock: 2, hostBlock: 6 };

let lab: Lab;
let hosts: readonly [LabHost, LabHost, LabHost, LabHost];

beforeAll(async () => {
  lab = await createLab({ hosts: 4, nics: 2, pods: 12 });
  hosts = [item(lab.hosts, 0), item(lab.hosts, 1), item(lab.hosts, 2), item(lab.hosts, 3)];
  await leave(hosts[2]);
  await leave(hosts[3]);
  await applyReady(lab, 'net', wish);
});
afterAll(() => lab?.close());

/** The host's daemon is gone, and its Node. */
async function leave(host: LabHost): Promise<void> {
  await lab.killDaemon(host);
  await lab.api.kubectl(['delete', 'node', host.name]);
}

/** A new Node, and a daemon on it; waits until so many hosts serve the network. */
async function join(host: LabHost, count: number): Promise<void> {
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: host.name } };
  await lab.api.kubectl(['create', '-f', '-'], JSON.stringify(node));
  await lab.startDaemon(host);
  await until(`${count} hosts`, async () => ((await network(lab, 'net'))?.status?.hosts === count ? true : undefined));
  await waitReady(lab, 'net');
}

async function indexes(): Promise<Record<string, number>> {
  const { items } = await lab.api.client.list<CIDRSlice>(resources.cidrSlices);
  const entries = items.flatMap(({ spec }) => spec?.hosts ?? []);
  return Object.fromEntries(entries.map(({ hostName, hostIndex }) => [hostName, hostIndex]));
}

/** Of the plan that is in force. */
async function hostBlock(): Promise<number | undefined> {
  return (await lab.api.client.get<CIDR>(resources.cidrs, 'net')).spec?.config?.hostBlock;
}

async function blocksOf(host: LabHost): Promise<unknown> {
  const object = await lab.api.client.get<HostInterface>(resources.hostInterfaces, host.name);
  return object.status?.networks?.map(({ hostIndex, blocks }) => ({ hostIndex, blocks }));
}

/** Writes since a time: `user verb resource/subresource`. */
function writesSince(time: number): string[] {
  return lab.api
    .requests()
    .filter((request) => request.time >= time && /^(create|update|patch|delete)$/.test(request.verb))
    .map(
      ({ user, verb, resource, subresource, name }) =>
        `${user} ${verb} ${resource}${subresource && '/'}${subresource} ${name}`,
    );
}

it('a host joins: the others keep what they have, and little is written', async () => {
  expect(await indexes()).toEqual({ host1: 0, host2: 1 });
  const pod = await lab.addPod({ name: 'first', host: hosts[0], networks: 'net' });
  const before = [await blocksOf(hosts[0]), await blocksOf(hosts[1])];
  const from = Date.now();
  await join(hosts[2], 3);
  const other = await lab.addPod({ name: 'third', host: hosts[2], networks: 'net' });
  expect(await lostPings([pod, other])).toEqual([]);
  expect(await indexes()).toEqual({ host1: 0, host2: 1, host3: 2 });
  expect([await blocksOf(hosts[0]), await blocksOf(hosts[1])]).toEqual(before);
  // Events are for people, and counted where they are made.
  const writes = writesSince(from).filter((line) => !/^daemon:host1 update ippools|^operator \w+ events/.test(line));
  const by = (pattern: RegExp) => writes.filter((line) => pattern.test(line)).length;
  expect(writes.filter((line) => /^daemon:host[12] /.test(line))).toEqual([]);
  expect(by(/^operator (?!update multinicnetworks)/), writes.join('\n')).toBe(2);
  expect(by(/^operator update multinicnetworks.*status/), writes.join('\n')).toBeLessThanOrEqual(5);
  expect(by(/^daemon:host3 /), writes.join('\n')).toBeLessThanOrEqual(8);
  await lab.removePod(other);
  await lab.removePod(pod);
});

it('a host goes and another comes: it gets an index that nobody had; who comes back gets his own', async () => {
  await leave(hosts[1]);
  await join(hosts[3], 3);
  expect(await indexes()).toMatchObject({ host1: 0, host3: 2, host4: 3 });
  await join(hosts[1], 4);
  expect(await indexes()).toEqual({ host1: 0, host2: 1, host3: 2, host4: 3 });
  const pods = [
    await lab.addPod({ name: 'back', host: hosts[1], networks: 'net' }),
    await lab.addPod({ name: 'new', host: hosts[3], networks: 'net' }),
  ];
  expect(await lostPings(pods)).toEqual([]);
  for (const pod of pods) await lab.removePod(pod);
});

it('an edit that would renumber addresses in use is not applied, and says why; it is when they are gone', async () => {
  const pods = [
    await lab.addPod({ name: 'c', host: hosts[1], networks: 'net' }),
    await lab.addPod({ name: 'd', host: hosts[3], networks: 'net' }),
  ];
  const before = await Promise.all(hosts.map(blocksOf));
  await apply(lab, 'net', { ...wish, hostBlock: 5 });
  const ready = await waitCondition(lab, 'net', 'Ready', ({ reason }) => reason === 'WouldRenumber');
  expect(ready.status).toBe('False');
  expect(ready.message).toMatch(/^not applied: hostBlock 6 -> 5 would move \d blocks whose addresses pods use: /);
  expect(ready.message).toMatch(/172\.16\.[13]\.0\/24 on host host[24] \(1 in use\)/);
  expect(ready.message).toMatch(/ The last plan stays\. Delete those pods first, or change it back$/);
  expect(await hostBlock()).toBe(6);
  expect(await Promise.all(hosts.map(blocksOf))).toEqual(before);
  pods.push(await lab.addPod({ name: 'late', host: hosts[2], networks: 'net' }));
  expect(addressTexts(item(pods, 2))).toEqual(['net1 172.16.2.1/18', 'net1-1 172.16.66.1/18']);
  expect(await lostPings(pods)).toEqual([]);

  for (const pod of pods) await lab.removePod(pod);
  await waitReady(lab, 'net');
  expect(await hostBlock()).toBe(5);
});

it('pods that no IPPool tells of yet are in the way of such an edit all the same', async () => {
  // The pools were made a moment ago, and are written again in 10 s at the earliest.
  const pods = [
    await lab.addPod({ name: 'unheard', host: hosts[3], networks: 'net' }),
    await lab.addPod({ name: 'unheard-too', host: hosts[1], networks: 'net' }),
  ];
  expect(addressTexts(item(pods, 0))).toEqual(['net1 172.16.6.0/18', 'net1-1 172.16.70.0/18']);
  await apply(lab, 'net', { ...wish, hostBlock: 4 });
  const named = ({ message }: { readonly message: string }) =>
    message.includes('172.16.6.0/23 on host host4 (1 in use)');
  expect(await waitCondition(lab, 'net', 'Planned', named)).toMatchObject({ reason: 'WouldRenumber' });
  expect(await hostBlock()).toBe(5);
  await apply(lab, 'net', { ...wish, hostBlock: 5 });
  await waitReady(lab, 'net');
  // Hosts had stopped to say what they have.
  pods.push(await lab.addPod({ name: 'goes-on', host: hosts[0], networks: 'net' }));
  expect(await lostPings(pods)).toEqual([]);
  for (const pod of pods) await lab.removePod(pod);
});

it('deletion waits for pods and names where they are; new ones are refused; it ends by itself', async () => {
  const pods = [
    await lab.addPod({ name: 'stays', host: hosts[0], networks: 'net' }),
    await lab.addPod({ name: 'stays-too', host: hosts[0], networks: 'net,net' }),
    await lab.addPod({ name: 'elsewhere', host: hosts[3], networks: 'net' }),
  ];
  await lab.api.kubectl(['delete', 'multinicnetwork', 'net', '--wait=false']);
  const waiting = await waitCondition(lab, 'net', 'Ready', ({ message }) => message.includes('4 attachments'));
  expect(waiting).toMatchObject({ reason: 'Draining', message: expect.stringContaining('host1 (3), host4 (1)') });
  // Its daemon hears of it as soon as its watch does, which nobody else waits for.
  await expect
    .poll(async () => {
      const { spec } = await lab.api.client.get<HostInterface>(resources.hostInterfaces, hosts[1].name);
      return spec?.networks?.map(({ name, acknowledged }) => `${name} ${acknowledged}`);
    })
    .toContain('net Empty');
  await expect(lab.addPod({ name: 'too-late', host: hosts[1], networks: 'net' })).rejects.toMatchObject({
    code: 11,
    message: expect.stringContaining(
      'network net is being deleted or moved: host host2 makes no new attachments to it',
    ),
  });
  expect(await lostPings([item(pods, 0), item(pods, 2)])).toEqual([]);
  for (const pod of pods) await lab.removePod(pod);
  await until('the end of network net', async () => ((await network(lab, 'net')) === undefined ? true : undefined));
});
