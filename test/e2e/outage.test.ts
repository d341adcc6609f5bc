import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { IPPool } from '../../src/api/kinds/ippool.ts';
import { resources } from '../../src/kube/calls/resource.ts';
import { kubeconfig } from '../../src/lab/apiserver/kubeconfig.ts';
import { createPods, eachOf } from '../../src/lab/demo/pods.ts';
import { createLab, type Lab } from '../../src/lab/lab.ts';
import { makeNetns, removeNetns } from '../../src/lab/pods/attach.ts';
import { attachPod, detachPod, type LabPod, type PreparedPod } from '../../src/lab/pods/pods.ts';
import { accessFrom } from '../support/kube-rest.ts';
import { item } from '../support/scenario/item.ts';
import { leftovers, listing } from '../support/scenario/leftovers.ts';
import { applyReady, deleteNetwork } from '../support/scenario/networks.ts';
import { lostPings } from '../support/scenario/pods.ts';
import { untilAllocated } from '../support/scenario/pools.ts';
import { type Cuttable, cuttable } from './control-plane/cuttable.ts';
import { realApi } from './control-plane/source.ts';
import { type Gate, startGate } from './multus/gate.ts';
import { installMultus, type Multus, patient } from './multus/multus.ts';
import { daemonWrites } from './outage/writes.ts';
import { realOrSkip } from './real.ts';

const real = realOrSkip();
/** Pods whose ADD and DEL are made by the shim alone while the API server is stopped. */
const byShim = 100;
/** Pods that Multus has attached before, and pods that it is asked to attach meanwhile. */
const byMultus = 4;
/** Longer than what daemons gather before they publish it (10 s); 600 s and more: MULTINIC_QUIET_SECONDS. */
const quietMs = Number(process.env['MULTINIC_QUIET_SECONDS'] ?? 11) * 1000;
const soon = { timeout: 60_000, interval: 100 };
let lab: Lab;
let line: Cuttable;
let multus: Multus;

beforeAll(async () => {
  if (real === undefined) return;
  line = cuttable(realApi(real));
  lab = await createLab({ hosts: 2, nics: 2, pods: 64, api: line.source });
  multus = await installMultus(lab, real.multus);
});
afterAll(async () => {
  await lab?.close();
  await line?.close();
});

test('API server stopped: 100 ADDs and DELs and every Multus DEL succeed, a Multus ADD fails and leaves nothing', async () => {
  const before = await listing(lab);
  await applyReady(lab, 'pool', { subnets: ['192.168.0.0/16'], interfaceBlock: 2, hostBlock: 8 });
  const direct = await prepare('direct', byShim);
  const late = await prepare('late', byMultus);
  const early = await eachOf(await prepare('early', byMultus), (pod) => multus.attach(pod));

  lab.api.stop();
  try {
    const [, refused] = await Promise.all([
      eachOf(direct, async (prepared) => detachPod(await attachPod(prepared))),
      Promise.all(late.map(refusal)),
      Promise.all(early.map((pod) => multus.detach(pod))),
    ]);
    // Every one failed, in Multus' own words.
    expect(refused.filter((said) => !said.includes('Multus ADD for'))).toEqual([]);
    for (const pod of late) {
      await multus.call('DEL', pod.host, pod.sandbox);
      expect(await linksIn(pod)).toEqual(['lo']);
      await removeNetns(pod.host, pod.sandbox.netns);
    }
  } finally {
    lab.api.go();
  }

  // As a kubelet does: the same pods, each in a new sandbox.
  const again = await eachOf(late, async (pod) => multus.attach(await renewed(pod)));
  expect(await lostPings(again)).toEqual([]);
  await Promise.all(again.map((pod) => multus.detach(pod)));

  await takeDown(before);
});

test('API server lost between the networks and the status of a Multus ADD: it fails, its DEL takes all away, a retry works', async () => {
  const before = await listing(lab);
  const access = accessFrom(await lab.api.kubeconfigOf('account:multus'));
  await applyReady(lab, 'pool', { subnets: ['192.168.0.0/16'], interfaceBlock: 2, hostBlock: 8 });
  const pods = await prepare('middle', lab.hosts.length);
  const gates = await Promise.all(
    pods.map((_, at) => startGate(access, lab.bare.network.mgmtAddress).then((gate) => gatedMultus(gate, at))),
  );
  await Promise.all(
    pods.map(async (pod, at) => {
      const { gate, gated } = item(gates, at);
      gate.arm();
      await expect(patient(() => gated.call('ADD', pod.host, pod.sandbox))).rejects.toThrow(
        /Multus ADD for [^]*status/,
      );
      expect(gate.dead).toBe(true);
      // We had done our part by then.
      expect(await linksIn(pod)).toEqual(expect.arrayContaining(['lo', 'eth0', 'net1', 'net1-1']));
    }),
  );
  // As a kubelet does, which need not know that the API server is away.
  await Promise.all(
    pods.map(async (pod, at) => {
      await item(gates, at).gated.call('DEL', pod.host, pod.sandbox);
      expect(await linksIn(pod)).toEqual(['lo']);
      await removeNetns(pod.host, pod.sandbox.netns);
    }),
  );
  const again = await eachOf(pods, async (pod) => multus.attach(await renewed(pod)));
  expect(await lostPings(again)).toEqual([]);
  await Promise.all(again.map((pod) => multus.detach(pod)));
  await Promise.all(gates.map(({ gate }) => gate.close()));
  await takeDown(before);
});

test(
  `daemons tell each change once, and nothing in ${quietMs / 1000} s in which they are ended and lose their watches`,
  async () => {
    const before = await listing(lab);
    const host = item(lab.hosts, 0);
    const wish = { subnets: ['192.168.0.0/16'], interfaceBlock: 2, hostBlock: 8 };
    const pools = async (): Promise<readonly IPPool[]> => (await lab.api.client.list<IPPool>(resources.ipPools)).items;
    const of = (write: string, { metadata, spec }: IPPool): string =>
      `${spec?.hostName} ${write.replace('*', metadata.name)}`;
    const nothing = (): Promise<void> => Promise.resolve();

    const planned = await daemonWrites(
      lab,
      () => applyReady(lab, 'pool', wish),
      () => expect.poll(async () => (await pools()).filter(({ status }) => status !== undefined), soon).toHaveLength(4),
    );
    const made = await pools();
    const claims = lab.hosts.map(({ name }) => `${name} update hostinterfaces/${name}`);
    expect(planned).toEqual(
      [
        ...claims,
        ...made.flatMap((pool) => [of('create ippools/*', pool), of('update ippools/*/status', pool)]),
      ].toSorted(),
    );

    const [mine = '', other = ''] = made
      .filter(({ spec }) => spec?.hostName === host.name)
      .map((pool) => of('update ippools/*/status', pool))
      .toSorted();
    let pod: LabPod | undefined;
    const attach = async (): Promise<void> => {
      pod = await lab.addPod({ name: 'only', host, networks: 'pool' });
    };
    expect(await daemonWrites(lab, attach, () => untilAllocated(lab, host, 2))).toEqual([mine, other]);

    const note = { metadata: { annotations: { note: 'of a person' } } };
    const disturb = async (): Promise<void> => {
      const quiet = sleep(quietMs);
      await lab.api.client.patch(resources.multiNicNetworks, 'pool', 'merge', note);
      for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
        await lab.killDaemon(host, signal);
        await lab.startDaemon(host);
        line.cut();
      }
      await quiet;
    };
    expect(await daemonWrites(lab, disturb, nothing)).toEqual([]);

    const detach = async (): Promise<void> => pod && lab.removePod(pod);
    expect(await daemonWrites(lab, detach, () => untilAllocated(lab, host, 0))).toEqual([mine, other]);
    const gone = await daemonWrites(lab, () => deleteNetwork(lab, 'pool'), nothing);
    // That it gives no more addresses and holds none; then that it serves nothing.
    expect(gone).toEqual([...claims, ...claims, ...made.map((pool) => of('delete ippools/*', pool))].toSorted());
    expect(await leftovers(lab, before)).toEqual([]);
  },
  600_000 + quietMs,
);

/** Multus as one calls it whose way to the API server is the gate. */
async function gatedMultus(gate: Gate, number: number): Promise<{ gate: Gate; gated: Multus }> {
  const login = join(lab.dir, `kubeconfig-gate-${number}`);
  writeFileSync(login, kubeconfig({ url: gate.url, user: 'multus', token: 'unsent' }));
  return { gate, gated: await installMultus(lab, real?.multus ?? '', { kubeconfig: login }) };
}

/** Nothing differs from before, and Multus remembers nothing. */
async function takeDown(before: Awaited<ReturnType<typeof listing>>): Promise<void> {
  await lab.api.kubectl(['delete', 'pods', '--all', '--force', '--wait=false']);
  await deleteNetwork(lab, 'pool');
  expect(await leftovers(lab, before)).toEqual([]);
  expect(lab.hosts.flatMap((host) => multus.files(host))).toEqual([]);
}

/** Names of a pod's links. */
async function linksIn({ host, sandbox }: PreparedPod): Promise<string[]> {
  const { stdout, stderr } = await host.exec(['ip', '-netns', nameOf(sandbox.netns), '-oneline', 'link', 'show']);
  if (stdout === '') throw new Error(stderr);
  return stdout
    .trim()
    .split('\n')
    .map((line) => /^\d+: ([^:@]+)/.exec(line)?.[1] ?? line);
}

function prepare(name: string, count: number): Promise<PreparedPod[]> {
  const places = Array.from({ length: count }, (_, at) => ({
    name: `${name}-${at}`,
    host: item(lab.hosts, at % lab.hosts.length),
  }));
  return createPods(lab, 'pool', places);
}

/** What Multus says when it does not attach the pod. */
async function refusal(pod: PreparedPod): Promise<string> {
  try {
    await multus.call('ADD', pod.host, pod.sandbox);
    return `${pod.sandbox.pod} was attached`;
  } catch (error) {
    return String(error);
  }
}

/** The pod in a sandbox of its own that was never used. */
async function renewed(pod: PreparedPod): Promise<PreparedPod> {
  const containerID = `${pod.sandbox.containerID.slice(1)}0`;
  return { ...pod, sandbox: { ...pod.sandbox, containerID, netns: await makeNetns(pod.host) } };
}

function nameOf(netns: string): string {
  return netns.slice(netns.lastIndexOf('/') + 1);
}
