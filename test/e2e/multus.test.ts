import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resources } from '../../src/kube/calls/resource.ts';
import { daemonCalls } from '../../src/lab/demo/calls.ts';
import { createPods } from '../../src/lab/demo/pods.ts';
import { createLab, type Lab } from '../../src/lab/lab.ts';
import { statusAnnotation } from '../../src/lab/pods/annotation.ts';
import { type LabPod, readPod } from '../../src/lab/pods/pods.ts';
import { networkStatus } from '../../src/lab/pods/status.ts';
import { item } from '../support/scenario/item.ts';
import { leftovers, listing } from '../support/scenario/leftovers.ts';
import { applyReady, deleteNetwork, network, waitReady } from '../support/scenario/networks.ts';
import { bareAddresses, lostPings } from '../support/scenario/pods.ts';
import { buildModules } from './control-plane/programs.ts';
import { realApi } from './control-plane/source.ts';
import { layDevices, virtualFunctions } from './multus/devices.ts';
import { startKubelets } from './multus/kubelets.ts';
import { installMultus, type Multus } from './multus/multus.ts';
import { realOrSkip } from './real.ts';

const real = realOrSkip();
/** A Go program is built first where it is not there, or another run's build is waited for, ms. */
const building = 3_600_000;
const nics = 4;
const soon = { timeout: 60_000, interval: 100 };
const networkKind = { apiVersion: 'multinic.fms.io/v1', kind: 'MultiNicNetwork' };
let lab: Lab;
let multus: Multus;

beforeAll(async () => {
  if (real === undefined) return;
  lab = await createLab({ hosts: 2, nics, pods: 8, api: realApi(real, { scheduler: true }) });
  multus = await installMultus(lab, real.multus);
});
afterAll(async () => {
  await lab?.close();
});

test('apply, attach by Multus, ping, detach, delete: no call by a daemon meanwhile, and nothing is left', async () => {
  const before = await listing(lab);
  await applyReady(lab, 'pool', { subnets: ['192.168.0.0/16'], interfaceBlock: 2, hostBlock: 6 });
  const places = ['a', 'b', 'c', 'd'].map((name, at) => ({ name, host: item(lab.hosts, at % 2) }));
  const prepared = await createPods(lab, 'pool', places);

  const attachFrom = Date.now();
  const pods = await Promise.all(prepared.map((pod) => multus.attach(pod)));
  expect(daemonCalls(lab.api.requests(), attachFrom, Date.now()).calls).toEqual([]);

  for (const pod of pods) {
    const { metadata } = await readPod(lab.api.client, 'default', pod.name);
    const status: unknown = JSON.parse(metadata.annotations?.[statusAnnotation] ?? '[]');
    const { result } = item(pod.attachments, 0);
    // The first is the cluster network's; the others are what the lab's own imitation of Multus would have written.
    expect(status).toEqual([
      expect.objectContaining({ name: 'cluster', interface: 'eth0', default: true }),
      ...networkStatus('default/pool', result),
    ]);
    expect(result.interfaces.filter(({ sandbox }) => (sandbox ?? '') !== '')).toHaveLength(nics);
  }
  expect(await lostPings(pods)).toEqual([]);

  await lab.api.kubectl(['delete', 'pods', '--all', '--wait=false']);
  const detachFrom = Date.now();
  await Promise.all(pods.map((pod) => multus.detach(pod)));
  expect(daemonCalls(lab.api.requests(), detachFrom, Date.now()).calls).toEqual([]);
  await lab.forgetPods(pods);
  await deleteNetwork(lab, 'pool');
  expect(await leftovers(lab, before)).toEqual([]);
  expect(lab.hosts.flatMap((host) => multus.files(host))).toEqual([]);
});

test('pods that name no Node: the scheduler binds them to Nodes that are Ready, and each has its networks there', async () => {
  const [first, second] = [item(lab.hosts, 0), item(lab.hosts, 1)];
  const before = await listing(lab);
  await lab.api.kubectl(['create', 'namespace', 'team']);
  await applyReady(lab, 'spread', { subnets: ['10.59.0.0/16'], interfaceBlock: 2, hostBlock: 6 });
  const kubelets = startKubelets(lab, multus, 'team');
  const places = () => [...kubelets.running.values()].map(({ name, host }) => `${name.split('-')[0]} ${host.name}`);
  try {
    await kubelets.report(first, true);
    await kubelets.report(second, false);
    await lab.api.kubectl(['apply', '--namespace=team', '--filename=test/e2e/multus/pods.yaml']);
    await expect.poll(places, soon).toHaveLength(2);
    expect(places().toSorted()).toEqual([`plain ${first.name}`, `train ${first.name}`]);
    // A Node that is not Ready keeps its block.
    expect((await network(lab, 'spread'))?.status).toMatchObject({ hosts: 2 });
    await waitReady(lab, 'spread');

    await kubelets.report(second, true);
    await lab.api.kubectl(['rollout', 'status', '--namespace=team', 'deployment/train', '--timeout=60s']);
    expect(places().toSorted()).toEqual([`plain ${first.name}`, `train ${first.name}`, `train ${second.name}`]);
    const pods = [...kubelets.running.values()];
    const bound = lab.api
      .requests()
      .filter(
        ({ user, subresource, code }) => code === 201 && subresource === 'binding' && user === 'system:kube-scheduler',
      );
    for (const { name, attachments } of pods) {
      expect(bound.filter((one) => one.name === name)).toHaveLength(1);
      const { metadata } = await readPod(lab.api.client, 'team', name);
      const status: unknown = JSON.parse(metadata.annotations?.[statusAnnotation] ?? '[]');
      const { result } = item(attachments, 0);
      expect(status).toEqual([expect.objectContaining({ name: 'cluster' }), ...networkStatus('team/spread', result)]);
    }
    expect(await lostPings(pods)).toEqual([]);
    // As shipped, the operator's own pods find a place.
    const ours = ['get', 'pods', '--namespace=multinic-system', '--output=jsonpath={.items[*].spec.nodeName}'];
    await expect.poll(async () => (await lab.api.kubectl(ours)).split(' '), soon).toHaveLength(2);

    const deleted = ['delete', '--namespace=team', '--filename=test/e2e/multus/pods.yaml', '--cascade=foreground'];
    await lab.api.kubectl([...deleted, '--timeout=60s']);
    expect(places()).toEqual([]);
  } finally {
    await kubelets.stop();
  }
  await deleteNetwork(lab, 'spread');
  await lab.api.kubectl(['delete', 'namespace', 'team', '--timeout=60s']);
  expect(await leftovers(lab, before)).toEqual([]);
  expect(lab.hosts.flatMap((host) => multus.files(host))).toEqual([]);
});

test('ips of the annotation: each address on the NIC of its block, the other routes of the pod as without', async () => {
  await applyReady(lab, 'asked', { subnets: ['10.60.0.0/16', 'fd00:60::/112'], interfaceBlock: 2, hostBlock: 6 });
  await applyReady(lab, 'other', { subnets: ['10.61.0.0/16'], interfaceBlock: 2, hostBlock: 6 });
  const host = item(lab.hosts, 0);
  const attachOne = async (name: string, networks: readonly object[]): Promise<LabPod> => {
    const prepared = await createPods(lab, JSON.stringify(networks), [{ name, host }]);
    return multus.attach(item(prepared, 0));
  };
  const plain = await attachOne('plain', [{ name: 'asked' }, { name: 'other' }]);
  const given = bareAddresses([plain]).filter(
    (address) => address.startsWith('10.60.') || address.startsWith('fd00:60:'),
  );
  expect(given).toHaveLength(2 * nics);
  // Of another place in the same blocks, in an order that is not the NICs'.
  const wished = given.map((address) =>
    address.includes(':') ? address.replace(/.$/, 'f') : address.replace(/\.\d+$/, '.77'),
  );
  // As released it keeps the pod's default route whatever is asked (docs/network.md). When this fails, that is mended, and
  // other-plugins.test.ts needs no build of its own any more.
  const request = { name: 'asked', ips: wished.toReversed(), 'default-route': ['10.60.63.254'] };
  const asking = await attachOne('asking', [request, { name: 'other' }]);
  expect(bareAddresses([asking]).filter((address) => wished.includes(address))).toEqual(wished);
  const routesOf = async (pod: LabPod): Promise<string[]> => {
    const { stdout } = await pod.exec(['ip', '-4', 'route']);
    return stdout
      .split('\n')
      .map((line) => line.replace(/ proto.*| src.*/, '').trim())
      .filter((line) => line !== '')
      .sort();
  };
  const [before, after] = [await routesOf(plain), await routesOf(asking)];
  // Two interfaces for each NIC, eth0's network, the cluster's services and the default route.
  expect(before).toHaveLength(2 * nics + 3);
  expect(after).toEqual(before);
  await lab.api.kubectl(['delete', 'pods', '--all', '--wait=false']);
  for (const pod of [plain, asking]) await multus.detach(pod);
  await lab.forgetPods([plain, asking]);
  for (const network of ['asked', 'other']) await deleteNetwork(lab, network);
});

test('devices: Multus hands over one of those that kubelet gave, the pod gets an interface of each', {
  timeout: building,
}, async (ctx) => {
  if (!existsSync('/sys/bus/pci/devices')) ctx.skip('no PCI bus, in whose place devices could be laid');
  const host = item(lab.hosts, 0);
  const resource_name = 'intel.com/fast';
  const containers = [{ name: 'main', devices: [{ resource_name, device_ids: virtualFunctions.toReversed() }] }];
  const program = join(buildModules(['pod-resources']).get('pod-resources') ?? '', 'pod-resources');
  const devices = await layDevices(host, program, {
    pod_resources: [{ name: 'fast', namespace: 'default', containers }],
  });
  try {
    await expect
      .poll(async () => JSON.stringify(await lab.api.client.get(resources.hostInterfaces, host.name)), {
        timeout: 60_000,
      })
      .toContain('"pciAddress":"0000:5e:00.0"');
    const spec = {
      subnet: '10.62.0.0/16',
      addressing: { interfaceBlock: 2, hostBlock: 6 },
      plugin: { cniVersion: '1.0.0', type: 'sriov', args: { resourceName: resource_name, vlan: '7' } },
    };
    const metadata = { name: 'fast' };
    await lab.api.kubectl(['apply', '-f', '-'], JSON.stringify({ ...networkKind, metadata, spec }));
    await waitReady(lab, 'fast');
    const [prepared] = await createPods(lab, 'fast', [{ name: 'fast', host }]);
    if (prepared === undefined) throw new Error('no pod');
    const pod = await multus.attach(prepared);
    const names = ['net1', 'net1-1'];
    expect(item(pod.attachments, 0).result.interfaces.map(({ name }) => name)).toEqual(names);
    const calls = (verb: string) => names.map((name, at) => `${verb} ${name} ${virtualFunctions[at]}`);
    expect(await devices.calls()).toEqual(calls('ADD'));
    await lab.api.kubectl(['delete', 'pods', '--all', '--wait=false']);
    await multus.detach(pod);
    expect(await devices.calls()).toEqual([...calls('ADD'), ...calls('DEL')]);
    await lab.forgetPods([pod]);
    await deleteNetwork(lab, 'fast');
  } finally {
    await devices.close();
  }
});
