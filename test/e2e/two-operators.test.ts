import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CIDRSlice } from '../../src/api/kinds/cidrslice.ts';
import type { HostInterface } from '../../src/api/kinds/hostinterface.ts';
import type { IPPool } from '../../src/api/kinds/ippool.ts';
import type { MultiNicNetwork } from '../../src/api/kinds/multinicnetwork.ts';
import { createClient, type KubeClient } from '../../src/kube/client.ts';
import { loadCluster } from '../../src/kube/config.ts';
import { isNotFound } from '../../src/kube/errors.ts';
import { trusted } from '../../src/kube/json.ts';
import type { Lease } from '../../src/kube/lease.ts';
import { silent } from '../../src/kube/logger.ts';
import { type Reflector, startReflector } from '../../src/kube/reflector.ts';
import { inNamespace, type ResourceRef, resources } from '../../src/kube/resource.ts';
import { createRunner } from '../../src/lab/run/runner.ts';
import { dice } from '../support/faults/random.ts';
import { type Hosts, startHosts } from '../support/operator/hosts.ts';
import { type Alone, startAlone } from './control-plane/alone.ts';
import { readAudit } from './control-plane/audit.ts';
import { type Candidate, startCandidate } from './control-plane/operators.ts';
import { deployNamespace, serviceAccountToken } from './control-plane/tokens.ts';
import { realOrSkip } from './real.ts';

// Of two operators one works, whatever happens to them: killed, stopped for longer than their lease, ended, while the cluster changes.
const real = realOrSkip();
const seed = Number(process.env['MULTINIC_FAULTS_SEED'] ?? Date.now() % 1_000_000);
const random = (
  (faces) => () =>
    faces.next()
)(dice(seed));
const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)];

const faults = ['kill leader', 'stop leader', 'end leader', 'kill follower', 'stop follower', 'end leader'] as const;
type Fault = (typeof faults)[number];

const leases = inNamespace(resources.leases, deployNamespace);
const leaseName = 'multinic-operator';
const staying = ['host-a', 'host-b', 'host-c', 'host-d'];

let alone: Alone;
let client: KubeClient;
let hosts: Hosts;
let login: string;
const stop = new AbortController();
const started: Candidate[] = [];
const problems: string[] = [];
/** uids of networks whose deletion was asked for. */
const deleted = new Set<string>();

beforeAll(async () => {
  if (real === undefined) return;
  alone = await startAlone(real);
  const kubectl = (...args: string[]): Promise<string> =>
    createRunner('no lab').must(['kubectl', `--kubeconfig=${alone.kubeconfig}`, ...args], {
      cwd: new URL('../..', import.meta.url).pathname,
    });
  await kubectl('apply', '--filename=src/lab/manifests/nad-crd.yaml');
  await kubectl('apply', '--kustomize=deploy');
  await kubectl('wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all');
  const token = await serviceAccountToken({ admin: alone.kubeconfig }, 'multinic-operator');
  login = alone.login('operator', token);
  const cluster = await loadCluster({ kubeconfig: alone.kubeconfig, env: {} });
  client = createClient({ cluster, userAgent: 'test' });
  hosts = startHosts({
    client,
    host: (name) => find<HostInterface>(resources.hostInterfaces, name),
    pools: async () => (await client.list<IPPool>(resources.ipPools)).items,
    addNode: async (name) => {
      await client.create(resources.nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name } });
    },
  });
});
afterAll(async () => {
  for (const { process } of started) process.kill('SIGKILL');
  await Promise.all(started.map(({ ended }) => ended));
  stop.abort();
  await hosts?.stop();
  await client?.close();
  await alone?.close();
});

async function find<T extends { metadata: { name: string } }>(ref: ResourceRef, name: string): Promise<T | undefined> {
  try {
    return trusted<T>(await client.get(ref, name));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** A kind that was just defined answers 429 until its cache is filled. */
async function eventually<T>(run: () => Promise<T>, ms = 30_000): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (performance.now() > end) throw error;
      await sleep(100);
    }
  }
}

const watch = <T>(ref: ResourceRef): Reflector<T> =>
  startReflector<T>({ client, ref, signal: stop.signal, logger: silent, project: (object) => trusted<T>(object) });

/** No index twice, at any moment. */
function judgeLedgers(slices: Reflector<CIDRSlice>): void {
  slices.onChange(({ new: slice }) => {
    if (slice === undefined) return;
    const taken = new Map<number, string>();
    for (const { spec } of slices.list().filter((one) => one.spec?.uid === slice.spec?.uid)) {
      for (const { hostIndex, hostName } of spec?.hosts ?? []) {
        const other = taken.get(hostIndex);
        if (other !== undefined) problems.push(`${spec?.network}: index ${hostIndex} of ${other} and ${hostName}`);
        taken.set(hostIndex, hostName);
      }
    }
  });
}

/** What a host that stays was given, it keeps for as long as the network stays. */
function judgeBlocks(interfaces: Reflector<HostInterface>): void {
  const given = new Map<string, string>();
  interfaces.onChange(({ key, new: host }) => {
    if (!staying.includes(key)) return;
    const networks = host?.status?.networks ?? [];
    for (const { uid, hostIndex, blocks } of networks) {
      const block = JSON.stringify([hostIndex, blocks.map((one) => [one.interfaceIndex, one.podCIDRs])]);
      const before = given.get(`${key} ${uid}`);
      if (before !== undefined && before !== block && !deleted.has(uid)) problems.push(`${key}: ${before} -> ${block}`);
      given.set(`${key} ${uid}`, block);
    }
    for (const id of given.keys()) {
      const [name, uid = ''] = id.split(' ');
      if (name === key && !deleted.has(uid) && networks.every((one) => one.uid !== uid))
        problems.push(`${id}: withdrawn`);
    }
  });
}

function network(name: string, mode: string): MultiNicNetwork {
  const octet = 10 + ['stays-a', 'stays-b', 'comes-a', 'comes-b'].indexOf(name);
  return {
    apiVersion: 'multinic.fms.io/v1',
    kind: 'MultiNicNetwork',
    metadata: { name },
    spec: {
      subnet: `192.${octet}.0.0/16`,
      addressing: { hostBlock: 6, interfaceBlock: 2 },
      // ipvlan's mode is the NIC's: networks of two modes would exclude each other there.
      plugin: { cniVersion: '1.0.0', type: 'macvlan', args: { mode } },
    },
  };
}

/** People and machines go on meanwhile: networks come, change and go; hosts join and leave. */
async function churn(until: AbortSignal): Promise<number> {
  let changes = 0;
  let joined = 0;
  const present: string[] = [];
  while (!until.aborted) {
    await sleep(200 + random() * 200);
    const what = random();
    if (what < 0.3) {
      const name = pick(['comes-a', 'comes-b']) ?? '';
      const stored = await find<MultiNicNetwork>(resources.multiNicNetworks, name);
      if (stored === undefined) await client.create(resources.multiNicNetworks, network(name, 'bridge'));
      else if (stored.metadata.deletionTimestamp === undefined) {
        deleted.add(stored.metadata.uid ?? '');
        await client.delete(resources.multiNicNetworks, name);
      }
    } else if (what < 0.6) {
      const name = pick(['stays-a', 'stays-b']) ?? '';
      const { spec } = network(name, pick(['bridge', 'private']) ?? '');
      await client.patch(resources.multiNicNetworks, name, 'merge', { spec: { plugin: spec?.plugin } });
    } else if (what < 0.85 && present.length < 4) {
      joined += 1;
      await hosts.join(`guest-${joined}`, [1, 2]);
      present.push(`guest-${joined}`);
    } else {
      const name = present.shift();
      if (name === undefined) continue;
      await client.delete(resources.nodes, name);
    }
    changes += 1;
  }
  return changes;
}

const shuffled = (): Fault[] =>
  faults
    .map((fault) => ({ fault, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ fault }) => fault);

const holder = async (): Promise<string> => (await client.get<Lease>(leases, leaseName)).spec?.holderIdentity ?? '';

async function campaigning(): Promise<Candidate> {
  const candidate = startCandidate(`candidate-${started.length}`, login);
  started.push(candidate);
  await candidate.campaigns;
  return candidate;
}

/** Seconds until that one leads. */
async function leads(candidate: Candidate): Promise<number> {
  const from = performance.now();
  while ((await holder()) !== candidate.identity) {
    if (performance.now() - from > 60_000) {
      throw new Error(`${candidate.identity} does not lead: ${candidate.log().slice(-2000)}`);
    }
    await sleep(100);
  }
  return (performance.now() - from) / 1000;
}

test(`two operators, one of them killed, stopped or ended at random, while networks and hosts come and go (seed ${seed})`, async () => {
  await eventually(() => client.list(resources.multiNicNetworks));
  for (const name of ['stays-a', 'stays-b']) {
    await eventually(() => client.create(resources.multiNicNetworks, network(name, 'bridge')));
  }
  for (const name of staying) await eventually(() => hosts.join(name, [1, 2]));
  judgeLedgers(watch<CIDRSlice>(resources.cidrSlices));
  judgeBlocks(watch<HostInterface>(resources.hostInterfaces));
  let leader = await campaigning();
  await leads(leader);
  let follower = await campaigning();
  const quiet = new AbortController();
  const changing = churn(quiet.signal);
  // Handled at the end: not as a rejection that nobody waits for.
  changing.catch(() => undefined);
  const handOvers: string[] = [];

  for (const fault of shuffled()) {
    await sleep(random() * 2_000);
    const [kind, whom] = fault.split(' ');
    const target = whom === 'leader' ? leader : follower;
    target.process.kill(kind === 'kill' ? 'SIGKILL' : kind === 'stop' ? 'SIGSTOP' : 'SIGTERM');
    if (whom === 'leader') {
      const seconds = await leads(follower);
      handOvers.push(`${fault}: ${seconds.toFixed(1)} s`);
      expect(seconds, fault).toBeLessThan(20);
      [leader, follower] = [follower, leader];
    } else await sleep(random() * 2_000);
    if (kind === 'stop') target.process.kill('SIGCONT');
    else {
      if (kind === 'end') expect(await target.ended, target.log().slice(-2000)).toBe(0);
      follower = await campaigning();
    }
  }
  quiet.abort();
  const changes = await changing;
  await eventually(async () => {
    for (const name of ['stays-a', 'stays-b']) {
      const { status } = await client.get<MultiNicNetwork>(resources.multiNicNetworks, name);
      expect(status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'True' });
    }
    for (const name of staying) {
      const host = await find<HostInterface>(resources.hostInterfaces, name);
      for (const kept of ['stays-a', 'stays-b']) {
        expect(host?.status?.networks?.map((one) => one.name)).toContain(kept);
      }
    }
  });
  const writes = judgeWrites();
  process.stdout.write(`seed ${seed}: ${handOvers.join(', ')}; ${changes} changes, ${writes} writes by leaders\n`);
  expect(problems).toEqual([]);
  expect(writes).toBeGreaterThan(changes);
});

/** Every write of an operator came while the Lease was its own, by the server's own log; answers how many there were. */
function judgeWrites(): number {
  const writing = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);
  const requests = readAudit(alone.auditLog).filter(({ user, verb }) => user === 'operator' && writing.has(verb));
  const isLease = (resource: string): boolean => resource.startsWith('leases');
  const renewals = requests
    .filter(({ resource, code }) => isLease(resource) && code < 300)
    .toSorted((a, b) => a.time - b.time);
  const works = requests.filter(({ resource }) => !isLease(resource));
  for (const { agent, time, verb, resource, name } of works) {
    const last = renewals.findLast((one) => one.time <= time);
    const age = time - (last?.time ?? 0);
    if (last?.agent !== agent || age > 12_000) {
      problems.push(`${verb} ${resource} ${name} by ${agent}, ${age} ms after the lease was written by ${last?.agent}`);
    }
  }
  // As many as the Lease has had: else the User-Agents were not told apart.
  if (new Set(renewals.map(({ agent }) => agent)).size < 4) problems.push('the log does not tell the operators apart');
  return works.length;
}
