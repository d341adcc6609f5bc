import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Config } from '../../src/api/kinds/config.ts';
import type { HostInterface } from '../../src/api/kinds/hostinterface.ts';
import type { IPPool } from '../../src/api/kinds/ippool.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { createClient, type KubeClient } from '../../src/kube/calls/client.ts';
import { loadCluster } from '../../src/kube/calls/config.ts';
import { inNamespace, resources } from '../../src/kube/calls/resource.ts';
import type { KubeEvent } from '../../src/kube/events/event.ts';
import { silent } from '../../src/kube/logger.ts';
import { fieldAt, fieldsOf, listOf } from '../../src/lab/apiserver/object.ts';
import { createRunner, type Runner } from '../../src/lab/run/runner.ts';
import { runOperator } from '../../src/operator/run.ts';
import { nic, startHosts } from '../support/operator/hosts.ts';
import { type Alone, startAlone } from './control-plane/alone.ts';
import { readAudit } from './control-plane/audit.ts';
import { deployNamespace, serviceAccountToken } from './control-plane/tokens.ts';
import { realOrSkip } from './real.ts';

// Who holds which field: only a real API server knows. The operator has the rights of deploy/ and no others.
const real = realOrSkip();
const root = new URL('../..', import.meta.url).pathname;
const nads = inNamespace(resources.networkAttachmentDefinitions, 'default');
const daemonSets = inNamespace(resources.daemonSets, deployNamespace);
let alone: Alone | undefined;
let runner: Runner;
let admin: KubeClient;
let operator: { readonly stop: () => Promise<void> } | undefined;

async function kubectl(...args: string[]): Promise<string> {
  return runner.must(['kubectl', `--kubeconfig=${alone?.kubeconfig ?? ''}`, ...args], { cwd: root });
}

async function startOperator(): Promise<void> {
  const cluster = await loadCluster({ kubeconfig: alone?.kubeconfig ?? '', env: {} });
  const token = await serviceAccountToken({ admin: alone?.kubeconfig ?? '' }, 'multinic-operator');
  const { cert: _cert, key: _key, ...tls } = cluster.tls;
  const client = createClient({
    cluster: { server: cluster.server, tls, authorization: () => Promise.resolve(`Bearer ${token}`) },
    userAgent: 'multinic-operator/test',
  });
  const abort = new AbortController();
  const daemons = { namespace: deployNamespace, image: () => Promise.resolve('multinic:test') };
  const ended = runOperator({ client, logger: silent, signal: abort.signal, daemons });
  operator = {
    stop: async () => {
      abort.abort();
      await ended;
      await client.close();
    },
  };
}

beforeAll(async () => {
  if (real === undefined) return;
  alone = await startAlone(real);
  runner = createRunner('no lab');
  admin = createClient({ cluster: await loadCluster({ kubeconfig: alone.kubeconfig, env: {} }), userAgent: 'test' });
  await kubectl('apply', '--filename=src/lab/manifests/nad-crd.yaml');
  await kubectl('apply', '--kustomize=deploy');
  await kubectl('wait', '--for=condition=Established', '--timeout=90s', 'crd', '--all');
  await admin.create<Config>(resources.configs, {
    apiVersion: 'multinic.fms.io/v1',
    kind: 'Config',
    metadata: { name: 'multi-nicd' },
    spec: { daemon: { image: 'example.com/multi-nic-cni-daemon:v1', nodeSelector: { nics: 'yes' } } },
  });
  await startOperator();
});
afterAll(async () => {
  await operator?.stop();
  await admin?.close();
  await alone?.close();
});

const nad = (): Promise<KubeObject> => admin.get(nads, 'owned');
const daemonSet = (): Promise<KubeObject> => admin.get(daemonSets, 'multinic-daemon');
const config = (name: string): Promise<Config> => admin.get(resources.configs, name);
const soon = { timeout: 90_000, interval: 100 };

function managers(object: object): string[] {
  return listOf(fieldAt(object, ['metadata', 'managedFields'])).map(
    (entry) => `${String(fieldAt(entry, ['manager']))} ${String(fieldAt(entry, ['operation']))}`,
  );
}

/** Writes of the operator that the server took. */
function daemonSetWrites(): number {
  return readAudit(alone?.auditLog ?? '').filter(
    ({ user, verb, resource, code }) =>
      user === 'operator' && resource === 'daemonsets.apps' && !/^(get|list|watch)$/.test(verb) && code < 300,
  ).length;
}

const podOf = (object: KubeObject): unknown => fieldAt(object, ['spec', 'template', 'spec']);

test('a NAD whose config was edited is repaired in our name; what others added stays', async () => {
  await admin.create(resources.multiNicNetworks, {
    apiVersion: 'multinic.fms.io/v1',
    kind: 'MultiNicNetwork',
    metadata: { name: 'owned' },
    spec: {
      subnet: '192.168.0.0/16',
      addressing: { hostBlock: 6, interfaceBlock: 2 },
      plugin: { cniVersion: '1.0.0', type: 'macvlan' },
    },
  });
  const made = await expect
    .poll(nad, soon)
    .toMatchObject({ spec: { config: expect.any(String) } })
    .then(nad);
  await kubectl('annotate', 'net-attach-def', 'owned', '--namespace=default', 'note=theirs');
  await kubectl(
    'patch',
    'net-attach-def',
    'owned',
    '--namespace=default',
    '--type=merge',
    '--patch={"spec":{"config":"{}"}}',
  );
  await expect.poll(nad, soon).toMatchObject({ spec: made.spec, metadata: { annotations: { note: 'theirs' } } });
  expect(managers(await nad())).toContain('multinic-operator Apply');
});

test('a NAD that somebody else made is not taken over', async () => {
  await kubectl('create', 'namespace', 'theirs');
  const { metadata: before } = await expect
    .poll(() => admin.get(inNamespace(nads, 'theirs'), 'owned'), soon)
    .toBeDefined()
    .then(() => admin.get(inNamespace(nads, 'theirs'), 'owned'));
  expect(before.labels).toEqual({ 'multi-nic-cni-generated': 'true' });
  await operator?.stop();
  await admin.delete(inNamespace(nads, 'theirs'), 'owned');
  const foreign = {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name: 'owned' },
    spec: {},
  };
  const { metadata } = await admin.create<KubeObject>(inNamespace(nads, 'theirs'), foreign);
  await startOperator();
  await expect
    .poll(async () => JSON.stringify(await admin.get(resources.multiNicNetworks, 'owned')), soon)
    .toContain('ForeignNAD');
  expect((await admin.get<KubeObject>(inNamespace(nads, 'theirs'), 'owned')).metadata.resourceVersion).toBe(
    metadata.resourceVersion,
  );
});

test('the DaemonSet is made, repaired where it is ours, and left where it is not', async () => {
  await expect.poll(daemonSet, soon).toMatchObject({ metadata: { name: 'multinic-daemon' } });
  const pod = podOf(await daemonSet());
  expect(pod).toMatchObject({ nodeSelector: { nics: 'yes' }, hostNetwork: true });
  expect(fieldAt(listOf(fieldAt(pod, ['containers']))[0], ['image'])).toBe('multinic:test');
  await kubectl('set', 'image', 'daemonset/multinic-daemon', `--namespace=${deployNamespace}`, 'daemon=evil:1');
  await kubectl('set', 'env', 'daemonset/multinic-daemon', `--namespace=${deployNamespace}`, 'THEIRS=1');
  const container = async (): Promise<unknown> => listOf(fieldAt(podOf(await daemonSet()), ['containers']))[0];
  await expect.poll(container, soon).toMatchObject({ image: 'multinic:test' });
  expect(listOf(fieldAt(await container(), ['env']))).toContainEqual({ name: 'THEIRS', value: '1' });
  expect(managers(await daemonSet())).toContain('multinic-operator Apply');

  const follows = async (): Promise<unknown> => [
    fieldsOf((await config('multinic')).status?.daemonSet).generation,
    (await daemonSet()).metadata.generation,
  ];
  await expect.poll(async () => new Set(listOf(await follows())).size, soon).toBe(1);
  await admin.patch(resources.configs, 'multinic', 'merge', { spec: { logLevel: 4 } });
  await expect.poll(async () => fieldAt(await container(), ['args']), soon).toContain('--log-level=debug');
  // Remembered, too: an operator that was ended in between would apply it once more.
  await expect.poll(async () => new Set(listOf(await follows())).size, soon).toBe(1);
});

test("a Config that is wrong, or the predecessor's, says so; a new operator that finds nothing changed writes no DaemonSet", async () => {
  const reasons = async (name: string): Promise<unknown> =>
    (await config(name)).status?.conditions?.map((one) => one.reason);
  await expect.poll(() => reasons('multi-nicd'), soon).toEqual(['PredecessorConfig', 'NotAccepted']);
  await operator?.stop();
  // Counted in the server's log: the object's version changes too when its controller has seen it.
  const before = daemonSetWrites();
  expect(before).toBeGreaterThan(0);
  await startOperator();
  await admin.patch(resources.configs, 'multinic', 'merge', { spec: { daemon: { port: 70_000 } } });
  await expect.poll(() => reasons('multinic'), soon).toEqual(['Invalid', 'NotAccepted']);
  await admin.patch(resources.configs, 'multinic', 'merge', { spec: { daemon: { port: null } } });
  await expect.poll(() => reasons('multinic'), soon).toEqual(['Accepted', 'RolledOut']);
  // What the server refuses changes nothing, and nothing is to be written again once it is taken back.
  const tooMuch = { requests: { cpu: '2' }, limits: { cpu: '1' } };
  await admin.patch(resources.configs, 'multinic', 'merge', { spec: { daemon: { resources: tooMuch } } });
  await expect.poll(() => reasons('multinic'), soon).toEqual(['Accepted', 'WriteFailed']);
  expect((await config('multinic')).status?.daemonSet).toMatchObject({ uid: (await daemonSet()).metadata.uid });
  await admin.patch(resources.configs, 'multinic', 'merge', { spec: { daemon: { resources: null } } });
  await expect.poll(() => reasons('multinic'), soon).toEqual(['Accepted', 'RolledOut']);
  expect(daemonSetWrites()).toBe(before);
});

test('kubectl describe shows what happened, told once by however many operators', async () => {
  const described = (what: string): Promise<string> => kubectl('describe', what);
  await expect.poll(() => described('multinicnetwork/owned'), soon).toMatch(/Warning +NoHosts +\S+ +multinic-operator/);
  expect(await described('multinicnetwork/owned')).toMatch(/Warning +ForeignNAD +\S+ +multinic-operator/);
  expect(await kubectl('get', 'mnn')).toMatch(
    /^NAME +READY +REASON +SUBNET +HOSTS +NICS +ATTACHMENTS +AGE\nowned +False +NoHosts +192.168.0.0\/16 +0 +0 +0 +\S+\n$/,
  );
  expect(await described('config.multinic.fms.io/multi-nicd')).toMatch(/Warning +PredecessorConfig/);
  // Three operators have seen each of these; the roll-out of the DaemonSet did begin again.
  const { items } = await admin.list<KubeEvent>(inNamespace(resources.events, 'default'));
  const counts = items.filter(({ involvedObject }) => ['owned', 'multi-nicd'].includes(involvedObject.name ?? ''));
  expect(counts.map(({ reason, count }) => `${reason} ×${count}`).sort()).toEqual([
    'ForeignNAD ×1',
    'NoHosts ×1',
    'PredecessorConfig ×1',
  ]);
  // Said again by an operator that does not know of it: counted up.
  await admin.patch(resources.configs, 'multinic', 'merge', { spec: { daemon: { port: 70_000 } } });
  await expect
    .poll(() => described('config.multinic.fms.io/multinic'), soon)
    .toMatch(/Warning +Invalid +\S+ \(x2 over \S+\) +multinic-operator +spec\.daemon\.port/);
});

test('what sriov needs of its operator is made with the rights of deploy/, repaired in our name, and gone with the network', async () => {
  const namespace = 'openshift-sriov-network-operator';
  const policies = inNamespace(resources.sriovNetworkNodePolicies, namespace);
  const networks = inNamespace(resources.sriovNetworks, namespace);
  const live = async (ref: typeof policies, name: string): Promise<KubeObject | undefined> =>
    admin.get<KubeObject>(ref, name).catch(() => undefined);
  await kubectl('create', 'namespace', namespace);
  await kubectl('apply', '--filename=test/data/other-operators/crds.yaml');
  const hosts = startHosts({
    client: admin,
    host: (name) => admin.get<HostInterface>(resources.hostInterfaces, name).catch(() => undefined),
    pools: async () => (await admin.list<IPPool>(resources.ipPools)).items,
    addNode: async (name) => {
      await admin.create(resources.nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name } });
    },
  });
  try {
    await hosts.join('host-a', [], [nic(1, 1, { pciAddress: '0000:3b:00.0' })]);
    const spec = {
      subnet: '10.70.0.0/16',
      addressing: { hostBlock: 6, interfaceBlock: 2 },
      plugin: { cniVersion: '1.0.0', type: 'sriov', args: { numVfs: '4', vlan: '5', vlanProto: '802.1ad' } },
    };
    const metadata = { name: 'fast' };
    await admin.create(resources.multiNicNetworks, {
      apiVersion: 'multinic.fms.io/v1',
      kind: 'MultiNicNetwork',
      metadata,
      spec,
    });
    const wanted = { spec: { resourceName: 'fast', vlan: 5, vlanProto: '802.1ad' } };
    await expect.poll(() => live(networks, 'fast-net'), soon).toMatchObject(wanted);
    await expect
      .poll(() => live(policies, 'fast'), soon)
      .toMatchObject({ spec: { numVfs: 4, deviceType: 'netdevice', nicSelector: { rootDevices: ['0000:3b:00.0'] } } });
    const theirs = { spec: { vlan: 6, capabilities: '{"mac":true}', trust: 'on' } };
    await admin.patch(networks, 'fast-net', 'merge', theirs);
    await expect
      .poll(async () => (await live(networks, 'fast-net'))?.spec, soon)
      .toEqual({ ...wanted.spec, capabilities: '{"mac":true}' });
    expect(managers((await live(networks, 'fast-net')) ?? {})).toContain('multinic-operator Apply');
    // Of mellanox the resources are read.
    const list = { resourceList: [{ resourcePrefix: 'nvidia.com', resourceName: 'hostdev' }] };
    await admin.create(resources.nicClusterPolicies, {
      apiVersion: 'mellanox.com/v1alpha1',
      kind: 'NicClusterPolicy',
      metadata: { name: 'nic-cluster-policy' },
      spec: { sriovDevicePlugin: { config: JSON.stringify(list) } },
    });
    await admin.create(resources.multiNicNetworks, {
      apiVersion: 'multinic.fms.io/v1',
      kind: 'MultiNicNetwork',
      metadata: { name: 'whole' },
      spec: { ...spec, subnet: '10.71.0.0/16', plugin: { cniVersion: '1.0.0', type: 'mellanox' } },
    });
    await expect
      .poll(async () => (await live(nads, 'whole'))?.metadata.annotations, soon)
      .toEqual({ 'k8s.v1.cni.cncf.io/resourceName': 'nvidia.com/hostdev' });
    await admin.delete(resources.multiNicNetworks, 'whole');
    await admin.delete(resources.multiNicNetworks, 'fast');
    await expect.poll(() => live(resources.multiNicNetworks, 'fast'), soon).toBeUndefined();
    expect([await live(networks, 'fast-net'), await live(policies, 'fast')]).toEqual([undefined, undefined]);
  } finally {
    await hosts.stop();
  }
});
