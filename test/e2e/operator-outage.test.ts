import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { HostInterface } from '../../src/api/kinds/hostinterface.ts';
import type { IPPool } from '../../src/api/kinds/ippool.ts';
import type { MultiNicNetwork } from '../../src/api/kinds/multinicnetwork.ts';
import { createClient, type KubeClient } from '../../src/kube/calls/client.ts';
import { loadCluster } from '../../src/kube/calls/config.ts';
import { inNamespace, resources } from '../../src/kube/calls/resource.ts';
import { electionTimes } from '../../src/kube/lease/election-pace.ts';
import { ApiError } from '../../src/lab/apiserver/api-error.ts';
import { kubeconfig } from '../../src/lab/apiserver/kubeconfig.ts';
import { createRunner } from '../../src/lab/run/runner.ts';
import { accessFrom } from '../support/kube-rest.ts';
import { type Hosts, startHosts } from '../support/operator/hosts.ts';
import { boundOf } from '../support/outage/counting.ts';
import type { Outage } from '../support/outage/faults.ts';
import { type Alone, startAlone } from './control-plane/alone.ts';
import { type Candidate, startCandidate } from './control-plane/operators.ts';
import { serviceAccountToken } from './control-plane/tokens.ts';
import { type Door, type Mood, startDoor } from './operator-outage/door.ts';
import { realOrSkip } from './real.ts';
import { find } from './two-operators/churn.ts';

// The program as it is deployed, at a door in front of a real API server that counts what it asks, and is shut for a while. Ten minutes of each:
// MULTINIC_OUTAGE_SECONDS=600 npm run e2e -- operator-outage; every loop and more kinds, in hours that pass in seconds:
// test/component/outage.
const real = realOrSkip();
const outageMs = Number(process.env['MULTINIC_OUTAGE_SECONDS'] ?? 3) * 1000;
const soon = { timeout: 120_000, interval: 200 };
const late = { timeout: 240_000, interval: 200 };
let alone: Alone | undefined;
let client: KubeClient;
let hosts: Hosts;
let door: Door;
let operator: Candidate;
let joined = 1;

beforeAll(async () => {
  if (real === undefined) return;
  alone = await startAlone(real);
  const admin = alone.kubeconfig;
  await deploy();
  client = createClient({ cluster: await loadCluster({ kubeconfig: admin, env: {} }), userAgent: 'test' });
  await served();
  hosts = startHosts({
    client,
    host,
    pools: async () => (await client.list<IPPool>(resources.ipPools)).items,
    addNode: async (name) => {
      await client.create(resources.nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name } });
    },
  });
  const { url, ca = '' } = accessFrom(admin);
  const token = await serviceAccountToken({ admin }, 'multinic-operator');
  door = await startDoor({ url, ca, token });
  const login = join(dirname(alone.auditLog), 'kubeconfig-door');
  writeFileSync(login, kubeconfig({ url: door.url, user: 'operator', token: 'of-the-door' }));
  operator = startCandidate('one', login);
  await operator.campaigns;
  await client.create(resources.multiNicNetworks, network);
  await hosts.join('host-first', [1, 2]);
  await vi.waitFor(async () => expect(await ready()).toBe('True 1'), soon);
}, 180_000);
afterAll(async () => {
  operator?.process.kill('SIGKILL');
  await operator?.ended;
  await hosts?.stop();
  await client?.close();
  await door?.close();
  await alone?.close();
});

function kubectl(...args: string[]): Promise<string> {
  return createRunner('no lab').must(['kubectl', `--kubeconfig=${alone?.kubeconfig}`, ...args], {
    cwd: new URL('../..', import.meta.url).pathname,
  });
}

async function deploy(): Promise<void> {
  await kubectl('apply', '--filename=src/lab/manifests/nad-crd.yaml');
  await kubectl('apply', '--kustomize=deploy');
  await kubectl('wait', '--for=condition=Established', '--timeout=90s', 'crd', '--all');
}

/** A kind that was just defined answers 429 until its cache is filled. */
async function served(): Promise<void> {
  for (const ref of [resources.multiNicNetworks, resources.hostInterfaces, resources.networkAttachmentDefinitions]) {
    await vi.waitFor(() => client.list(ref), soon);
  }
}

const network: MultiNicNetwork = {
  apiVersion: 'multinic.fms.io/v1',
  kind: 'MultiNicNetwork',
  metadata: { name: 'net' },
  spec: {
    subnet: '192.168.0.0/16',
    addressing: { hostBlock: 6, interfaceBlock: 2 },
    plugin: { cniVersion: '1.0.0', type: 'macvlan' },
  },
};

const host = (name: string): Promise<HostInterface | undefined> =>
  find<HostInterface>(client, resources.hostInterfaces, name);

/** Status of Ready, and how many hosts the network counts. */
async function ready(): Promise<string> {
  const { status } = await client.get<MultiNicNetwork>(resources.multiNicNetworks, 'net');
  return `${status?.conditions?.find(({ type }) => type === 'Ready')?.status} ${status?.hosts}`;
}

async function nadIn(namespace: string): Promise<boolean> {
  return (await find(client, inNamespace(resources.networkAttachmentDefinitions, namespace), 'net')) !== undefined;
}

/** A list or watch. */
const list = /^GET .*\/v1\/[a-z-]+$/;

/** How often it may ask in that time (ms). */
function most(knock: string, ms: number, how: Outage['how'] = 'away'): number {
  // A try each 2 s, less a fifth; the last renewal before the deadline comes on top.
  if (knock.includes('/leases')) return ms / (electionTimes.retryMs * 0.8) + 2;
  const loop = list.test(knock) ? 'operator GET /api/v1/any' : 'operator PUT /api/v1/any/one';
  // A Node that may be gone is looked for by the network's key and by the host's.
  const callsPerTry = knock.startsWith('GET ') && !list.test(knock) ? 2 : 1;
  // What the operator has heard just before ends a back-off early.
  const news = list.test(knock) ? 0 : 2;
  return boundOf(loop, { name: '', of: 'all', how, callsPerTry }, ms, news);
}

test.each<Mood>(['gone', 429, 500])(
  `an API server that is %s for ${outageMs / 1000} s: the program goes on, asks as seldom as its back-offs allow, and is right in the end`,
  async (mood) => {
    if (alone === undefined) return;
    const reads = new Set(door.knocks.filter((knock) => knock.startsWith('GET') && !knock.includes('/leases')));
    const [name, namespace] = [`host-${mood}`, `ns-${mood}`];
    door.set(mood);
    const from = Date.now();
    joined += 1;
    await hosts.join(name, [1, 2]);
    await client.create(resources.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    await sleep(outageMs);
    const passed = Date.now() - from;
    const counts = Map.groupBy(door.knocks, (knock) => knock);
    const [busiest, tries] = [...counts].toSorted(([, a], [, b]) => b.length - a.length)[0] ?? [];
    console.log(
      `${Math.round(passed / 1000)} s of ${mood}: ${door.knocks.length} requests, ${counts.size} loops; most: ${tries?.length} × ${busiest}`,
    );
    expect(counts.size).toBeGreaterThan(0);
    const lease = most('GET /leases', passed);
    for (const [knock, { length }] of counts) {
      const all = reads.size * most('GET /api/v1/any', passed) + 2 * lease + most('PUT', passed);
      expect(length, knock).toBeLessThanOrEqual(knock === 'connection' ? all : most(knock, passed));
    }
    expect(operator.process.exitCode).toBeNull();
    // Nobody has done it in its place.
    expect((await host(name))?.status?.networks ?? []).toEqual([]);
    expect(await nadIn(namespace)).toBe(false);

    door.set('open');
    const opened = Date.now();
    await expect.poll(ready, soon).toBe(`True ${joined}`);
    console.log(`${mood}: ready ${(Date.now() - opened) / 1000} s after it`);
    expect((await host(name))?.status?.networks).toMatchObject([{ name: 'net', blocks: [{}, {}] }]);
    await expect.poll(() => nadIn(namespace), soon).toBe(true);
    expect(operator.log()).not.toContain('"level":"error"');
  },
  outageMs + 500_000,
);

/** What the operator writes because of that, the Lease and Events left out: `METHOD path` from the version on, each as often as it was written. */
async function writesOf(change: () => Promise<unknown>, done: () => Promise<void>): Promise<string[]> {
  let from = 0;
  const writes = (): string[] =>
    door.knocks
      .slice(from)
      .filter((knock) => !knock.startsWith('GET') && !/\/(leases|events)\b/.test(knock))
      .map((knock) => knock.replace(/ .*\/v1\//, ' '))
      .toSorted();
  const quiet = async (): Promise<void> => {
    for (let before = -1; before !== writes().length; ) {
      before = writes().length;
      await sleep(1500);
    }
  };
  await quiet();
  from = door.knocks.length;
  await change();
  await vi.waitFor(done, soon);
  await quiet();
  return writes();
}

test('each change is written once: a host that comes, a namespace that leaves the list, what changes nothing', async () => {
  if (alone === undefined) return;
  door.set('open');
  hosts.silence('host-new');
  const told = async (): Promise<void> => expect(await ready()).toBe(`False ${joined + 1}`);
  expect(await writesOf(() => hosts.join('host-new', [1, 2]), told)).toEqual([
    'PUT cidrslices/net-0',
    'PUT hostinterfaces/host-new/status',
    'PUT multinicnetworks/net/status',
  ]);

  const places = async (): Promise<string[]> =>
    (await client.list(resources.networkAttachmentDefinitions)).items
      .map(({ metadata }) => metadata.namespace ?? '')
      .toSorted();
  const gone = (await places()).filter((one) => one !== 'default');
  expect(gone).toContain('kube-system');
  const patch = { spec: { namespaces: ['default'] } };
  const left = async (): Promise<void> => {
    expect(await places()).toEqual(['default']);
    const { metadata, status } = await client.get<MultiNicNetwork>(resources.multiNicNetworks, 'net');
    expect(status?.observedGeneration).toBe(metadata.generation);
  };
  expect(await writesOf(() => client.patch(resources.multiNicNetworks, 'net', 'merge', patch), left)).toEqual([
    ...gone.map((one) => `DELETE namespaces/${one}/network-attachment-definitions/net`),
    'PUT multinicnetworks/net/status',
  ]);

  const note = { metadata: { annotations: { note: 'of a person' } } };
  expect(
    await writesOf(
      () => client.patch(resources.multiNicNetworks, 'net', 'merge', note),
      () => Promise.resolve(),
    ),
  ).toEqual([]);
}, 400_000);

test(
  'CRDs deleted under the running program and applied again: it asks seldom meanwhile, and plans anew without a restart',
  async () => {
    if (alone === undefined) return;
    door.set('open');
    const from = Date.now();
    // All that it reads: Configs it does only where it runs the daemons.
    const crds = (await kubectl('get', 'crd', '--output=name')).trim().split('\n');
    const read = crds.filter((crd) => !/\/(configs|deviceclasses)\./.test(crd));
    expect(read).toHaveLength(6);
    await kubectl('delete', '--wait=false', ...read);
    await vi.waitFor(async () => expect(await kubectl('get', '--ignore-not-found', ...read)).toBe(''), soon);
    await sleep(outageMs);
    const passed = Date.now() - from;
    // Of each kind its list and watch.
    const reads = Map.groupBy(
      door.knocks.filter((knock) => list.test(knock)),
      (knock) => knock,
    );
    expect(reads.size).toBeGreaterThanOrEqual(6);
    // Twice a back-off begins anew: when the door cut a watch that was well, and when its kind went.
    const missing = new ApiError(404, 'NotFound', 'no such kind');
    for (const [knock, { length }] of reads)
      expect(length, knock).toBeLessThanOrEqual(most(knock, passed, missing) + 2);
    console.log(
      `${Math.round(passed / 1000)} s without CRDs: ${[...reads.values()].flat().length} of ${reads.size} loops`,
    );
    expect(operator.process.exitCode).toBeNull();

    await deploy();
    await served();
    await kubectl('delete', 'nodes', '--all');
    await hosts.join('host-again', [1, 2]);
    await client.create(resources.multiNicNetworks, network);
    // Back-offs of the operator's lists, up to 10 s, and then the network's own.
    await vi.waitFor(async () => expect(await ready()).toBe('True 1'), late);
    expect(await nadIn('default')).toBe(true);
    expect(operator.process.exitCode).toBeNull();
    expect(operator.log()).not.toContain('"level":"error"');
  },
  outageMs + 500_000,
);
