import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { MultiNicNetworkSpec } from '../../../src/api/kinds/multinicnetwork.ts';
import type { KubeObject } from '../../../src/api/meta.ts';
import { isNotFound } from '../../../src/kube/calls/errors.ts';
import { inNamespace, type ResourceRef, resources } from '../../../src/kube/calls/resource.ts';
import { type Hosts, nic, startHosts } from '../../support/operator/hosts.ts';
import { startWorld, type World } from '../../support/operator/world.ts';

const crds: ResourceRef = { group: 'apiextensions.k8s.io', version: 'v1', plural: 'customresourcedefinitions' };
const namespace = 'openshift-sriov-network-operator';
const policies = inNamespace(resources.sriovNetworkNodePolicies, namespace);
const sriovNetworks = inNamespace(resources.sriovNetworks, namespace);
const definitions = parseAllDocuments(
  readFileSync(join(import.meta.dirname, '../../data/other-operators/crds.yaml'), 'utf8'),
).map((document): KubeObject => document.toJS());

let world: World;
let hosts: Hosts;
beforeAll(async () => {
  world = await startWorld();
  hosts = startHosts(world);
  await hosts.join(
    'host-a',
    [],
    [nic(1, 1, { pciAddress: '0000:3b:00.0' }), nic(2, 1, { pciAddress: '0000:5e:00.0' })],
  );
  await hosts.join('host-b', [], [nic(1, 2, { pciAddress: '0000:3b:00.1' })]);
  world.startOperator();
});
afterAll(async () => {
  await hosts.stop();
  await world.close();
});

function spec(type: string, args: Record<string, string> = {}, subnet = '192.168.0.0/16'): MultiNicNetworkSpec {
  const ipam = '{"type":"multi-nic-ipam","hostBlock":6,"interfaceBlock":2}';
  return { subnet, ipam, multiNICIPAM: true, plugin: { cniVersion: '1.0.0', type, args }, namespaces: ['default'] };
}

async function find(ref: ResourceRef, name: string): Promise<KubeObject | undefined> {
  return world.client.get(ref, name).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
}

async function says(name: string, reason: string, message = ''): Promise<void> {
  await world.until(async () => {
    expect(await world.condition(name, 'NetworksReady')).toMatchObject({
      reason,
      message: expect.stringContaining(message),
    });
  });
}

async function nadOf(name: string): Promise<KubeObject | undefined> {
  return (await world.nads()).find(({ metadata }) => metadata.name === name);
}

const resource = 'k8s.v1.cni.cncf.io/resourceName';

test('kinds that are not installed: told of without hurry, and gone on with as soon as they come', async () => {
  await world.apply('fast', spec('sriov', { numVfs: '2', vlan: '5' }));
  await world.apply('mlx', spec('mellanox', {}, '10.200.0.0/16'));
  await says('fast', 'CRDMissing', 'sriovnetworks.sriovnetwork.openshift.io: install the SR-IOV network operator');
  await says('mlx', 'CRDMissing', 'nicclusterpolicies.mellanox.com: install the NVIDIA network operator');
  // Pods can wait with a device plugin of another kind; of mellanox nothing is known yet.
  expect((await nadOf('fast'))?.metadata.annotations).toEqual({ [resource]: 'openshift.io/fast' });
  expect(await nadOf('mlx')).toBeUndefined();

  await world.addNamespace(namespace);
  for (const definition of definitions) await world.client.create(crds, definition);
  await says('fast', 'Created');
  const asked = world.requests().filter((one) => one.includes('sriov') || one.includes('nicclusterpolicies'));
  expect(asked.length).toBeLessThan(30);
  await says('mlx', 'NoDevices', 'there is no NicClusterPolicy');
  expect(await find(policies, 'fast')).toMatchObject({
    spec: {
      resourceName: 'fast',
      numVfs: 2,
      nicSelector: { rootDevices: ['0000:3b:00.0', '0000:3b:00.1', '0000:5e:00.0'] },
    },
  });
  expect(await find(sriovNetworks, 'fast-net')).toMatchObject({ spec: { resourceName: 'fast', vlan: 5 } });

  const config = (...names: string[]) =>
    JSON.stringify({ resourceList: names.map((resourceName) => ({ resourcePrefix: 'nvidia.com', resourceName })) });
  const policy = await world.client.create<KubeObject>(resources.nicClusterPolicies, {
    apiVersion: 'mellanox.com/v1alpha1',
    kind: 'NicClusterPolicy',
    metadata: { name: 'nic-cluster-policy' },
    spec: { sriovDevicePlugin: { config: config('host_dev0', 'host_dev1') } },
  });
  await says('mlx', 'Created');
  const nad = await nadOf('mlx');
  expect(nad?.metadata.annotations).toEqual({ [resource]: 'nvidia.com/host_dev0,nvidia.com/host_dev1' });
  expect(JSON.stringify(nad?.spec)).toContain(
    String.raw`\"resourceNames\":[\"nvidia.com/host_dev0\",\"nvidia.com/host_dev1\"]`,
  );
  await world.client.replace(resources.nicClusterPolicies, {
    ...policy,
    spec: { sriovDevicePlugin: { config: config('host_dev1') } },
  });
  await world.until(async () => {
    expect((await nadOf('mlx'))?.metadata.annotations).toEqual({ [resource]: 'nvidia.com/host_dev1' });
  });
});

test('edited ones are repaired, and what others add to them stays; nothing is written without a reason', async () => {
  await world.quiet();
  world.takeWrites();
  const made = await find(policies, 'fast');
  if (made === undefined) throw new Error('no policy');
  await world.client.replaceStatus(policies, { ...made, status: {} });
  const before = await find(sriovNetworks, 'fast-net');
  if (before === undefined) throw new Error('no SriovNetwork');
  await world.client.replace(sriovNetworks, {
    ...before,
    spec: { resourceName: 'other', vlan: 7, trust: 'on', ipam: '{}' },
  });
  await world.until(async () => {
    expect((await find(sriovNetworks, 'fast-net'))?.spec).toEqual({ resourceName: 'fast', vlan: 5, ipam: '{}' });
  });
  await world.client.delete(policies, 'fast');
  await world.until(async () => expect(await find(policies, 'fast')).toMatchObject({ spec: { numVfs: 2 } }));
  await world.quiet();
  const group = 'sriovnetwork.openshift.io';
  expect(world.takeWrites()).toEqual([
    `patch sriovnetworks.${group}/${namespace}/fast-net`,
    `patch sriovnetworks.${group}/${namespace}/fast-net`,
    `create sriovnetworknodepolicies.${group}/${namespace}`,
  ]);
});

test("somebody else's are left alone; a name or another type takes ours away", async () => {
  const foreign: KubeObject = {
    apiVersion: 'sriovnetwork.openshift.io/v1',
    kind: 'SriovNetwork',
    metadata: { name: 'taken-net', namespace },
    spec: { resourceName: 'theirs' },
  };
  await world.client.create(sriovNetworks, foreign);
  await world.apply('taken', spec('sriov', {}, '10.201.0.0/16'));
  await says('taken', 'ForeignDependent', `a SriovNetwork ${namespace}/taken-net that multinic has not made`);
  await world.client.delete(resources.multiNicNetworks, 'taken');
  await world.until(async () => expect(await find(resources.multiNicNetworks, 'taken')).toBeUndefined());
  expect((await find(sriovNetworks, 'taken-net'))?.spec).toEqual({ resourceName: 'theirs' });
  expect(await find(policies, 'taken')).toBeUndefined();

  await world.apply('fast', spec('sriov', { resourceName: 'made-before', vlan: '5' }));
  await world.until(async () => {
    expect((await nadOf('fast'))?.metadata.annotations).toEqual({ [resource]: 'openshift.io/made-before' });
    expect(await find(policies, 'fast')).toBeUndefined();
    expect((await find(sriovNetworks, 'fast-net'))?.spec).toMatchObject({ resourceName: 'made-before', vlan: 5 });
  });
  await world.apply('fast', spec('sriov', { resourceName: 'intel.com/fast' }));
  await world.until(async () => {
    expect((await nadOf('fast'))?.metadata.annotations).toEqual({ [resource]: 'intel.com/fast' });
    expect(await find(sriovNetworks, 'fast-net')).toBeUndefined();
  });
  await says('fast', 'Created');
  await world.apply('fast', spec('sriov', { resourceName: 'made-before' }));
  await world.until(async () => expect(await find(sriovNetworks, 'fast-net')).toBeDefined());
  await world.apply('fast', spec('macvlan'));
  await world.until(async () => {
    expect(await find(sriovNetworks, 'fast-net')).toBeUndefined();
    expect((await nadOf('fast'))?.metadata.annotations ?? {}).toEqual({});
  });
});

test('with the network they go, before it does', async () => {
  await world.apply('brief', spec('sriov', {}, '10.202.0.0/16'));
  await says('brief', 'Created');
  expect(await find(policies, 'brief')).toBeDefined();
  await world.client.delete(resources.multiNicNetworks, 'brief');
  await world.until(async () => expect(await find(resources.multiNicNetworks, 'brief')).toBeUndefined());
  expect([await find(policies, 'brief'), await find(sriovNetworks, 'brief-net')]).toEqual([undefined, undefined]);
});

test('a kind that is taken away is told of; nobody else is disturbed', async () => {
  await world.apply('left', spec('sriov', {}, '10.203.0.0/16'));
  await says('left', 'Created');
  await world.client.delete(crds, 'sriovnetworks.sriovnetwork.openshift.io');
  await says('left', 'CRDMissing', 'sriovnetworks.sriovnetwork.openshift.io');
  expect(await find(policies, 'left')).toBeDefined();
  expect(await world.condition('mlx', 'NetworksReady')).toMatchObject({ reason: 'Created' });
  // Deletion has nothing to wait for.
  await world.client.delete(resources.multiNicNetworks, 'left');
  await world.until(async () => expect(await find(resources.multiNicNetworks, 'left')).toBeUndefined());
  expect(await find(policies, 'left')).toBeUndefined();
});
