import { afterAll, beforeAll, expect, it } from 'vitest';

import type { Lab } from '../../../src/lab/lab.ts';
import type { Listing } from '../../../src/lab/leftovers/item.ts';
import type { LabPod } from '../../../src/lab/pods/pods.ts';
import { createLab } from '../../support/scenario/lab.ts';
import { leftovers, listing } from '../../support/scenario/leftovers.ts';
import { applyReady, deleteNetwork } from '../../support/scenario/networks.ts';
import { addressTexts, linksOf, lostPings } from '../../support/scenario/pods.ts';

let lab: Lab;
let before: Listing;

beforeAll(async () => {
  lab = await createLab({ hosts: 2, nics: 2, families: [6], pods: 8 });
  before = await listing(lab);
});
afterAll(() => lab?.close());

// NICs that carry no IPv4 address are pool NICs like others, whatever the pods' family is.
it.each([
  ['IPv6', 'fd00:3::/48', ['net1 fd00:3::1/50', 'net1-1 fd00:3:0:4000::1/50']],
  ['IPv4', '172.16.0.0/16', ['net1 172.16.0.1/18', 'net1-1 172.16.64.1/18']],
])('hosts without IPv4 on their NICs: a pod network of %s', async (_family, subnet, first) => {
  await applyReady(lab, 'pods', { subnets: [subnet], interfaceBlock: 2, hostBlock: 6 });
  const pods: LabPod[] = [];
  for (const host of lab.hosts) pods.push(await lab.addPod({ name: `on-${host.name}`, host, networks: 'pods' }));
  const [pod] = pods;
  expect(pod && addressTexts(pod)).toEqual(first);
  const links = pod === undefined ? [] : await linksOf(pod);
  const ours = links.flatMap(({ addresses }) => addresses).filter(({ scope }) => scope === 'global');
  expect(ours.map(({ tentative }) => tentative)).toEqual([false, false]);
  expect(await lostPings(pods)).toEqual([]);
  for (const one of pods) await lab.removePod(one);
  await deleteNetwork(lab, 'pods');
  expect(await leftovers(lab, before)).toEqual([]);
});
