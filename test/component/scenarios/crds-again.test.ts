import { afterAll, beforeAll, expect, it } from 'vitest';
import { resources } from '../../../src/kube/calls/resource.ts';
import { until } from '../../../src/lab/cluster/wait.ts';
import type { Lab } from '../../../src/lab/lab.ts';
import { item } from '../../support/scenario/item.ts';
import { createLab } from '../../support/scenario/lab.ts';
import { applyReady, deleteNetwork } from '../../support/scenario/networks.ts';
import { bareAddresses, lostPings } from '../../support/scenario/pods.ts';

const wish = { subnets: ['172.16.0.0/24'], interfaceBlock: 2, hostBlock: 3 };
const kinds = ['multinicnetworks', 'hostinterfaces', 'ippools', 'cidrs', 'cidrslices'];
let lab: Lab;

beforeAll(async () => {
  lab = await createLab({ hosts: 2, nics: 2, pods: 4 });
});
afterAll(() => lab?.close());

it('CRDs deleted under pods and applied again: pods go on, their addresses are given to nobody, ADD works', async () => {
  await applyReady(lab, 'net', wish);
  // By name both hosts get the indexes of before anyhow; that others do not get one is held by test/unit/ipam/plan.test.ts.
  const [first, second] = [item(lab.hosts, 0), item(lab.hosts, 1)];
  const old = [
    await lab.addPod({ name: 'old-a', host: second, networks: 'net' }),
    await lab.addPod({ name: 'old-b', host: second, networks: 'net' }),
  ];
  await lab.api.kubectl(['delete', 'crd', '--timeout=60s', ...kinds.map((kind) => `${kind}.multinic.fms.io`)]);
  expect(await lostPings(old)).toEqual([]);

  await lab.api.kubectl(['apply', ...kinds.map((kind) => `--filename=crds/multinic.fms.io_${kind}.yaml`)]);
  await until('the daemons to make their HostInterfaces again', async () => {
    const { items } = await lab.api.client.list(resources.hostInterfaces).catch(() => ({ items: [] }));
    return items.length === lab.hosts.length || undefined;
  });
  await applyReady(lab, 'net', wish);
  const young = [
    await lab.addPod({ name: 'young-a', host: first, networks: 'net' }),
    await lab.addPod({ name: 'young-b', host: second, networks: 'net' }),
  ];
  const addresses = bareAddresses([...old, ...young]);
  expect(new Set(addresses).size).toBe(addresses.length);
  expect(await lostPings([...old, ...young])).toEqual([]);

  for (const pod of [...old, ...young]) await lab.removePod(pod);
  await deleteNetwork(lab, 'net');
});
