import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { HostInterface } from '../../src/api/kinds/hostinterface.ts';
import type { IPPool } from '../../src/api/kinds/ippool.ts';
import type { MultiNicNetwork } from '../../src/api/kinds/multinicnetwork.ts';
import { createClient, type KubeClient } from '../../src/kube/calls/client.ts';
import { loadCluster } from '../../src/kube/calls/config.ts';
import { inNamespace, resources } from '../../src/kube/calls/resource.ts';
import { electionTimes } from '../../src/kube/lease/election-pace.ts';
import type { Lease } from '../../src/kube/lease/lease.ts';
import { createRunner } from '../../src/lab/run/runner.ts';
import { dice } from '../support/faults/random.ts';
import { accessFrom } from '../support/kube-rest.ts';
import { type Recorder, recordHistory } from '../support/ledger/history.ts';
import { judgeBlocks, judgeHandOvers, judgeLedger, judgeRecord, judgeWrites } from '../support/ledger/judges.ts';
import { type Hosts, startHosts } from '../support/operator/hosts.ts';
import { type Alone, startAlone } from './control-plane/alone.ts';
import { deployNamespace, serviceAccountToken } from './control-plane/tokens.ts';
import { realOrSkip } from './real.ts';
import { churn, find, network, networks, stayingHosts } from './two-operators/churn.ts';
import { drawFaults, type Fault } from './two-operators/faults.ts';
import { startPulse } from './two-operators/pulse.ts';
import { type Records, readRecords } from './two-operators/records.ts';
import { type Slot, type SlotOptions, startSlot } from './two-operators/slot.ts';

// Of two operators one works, whatever happens to them, while the cluster changes. The judges look at every revision there was; that
// each of them fires is shown by test/unit/ledger, and here by an operator that does not ask whether it leads.
const real = realOrSkip();
const seed = Number(process.env['MULTINIC_FAULTS_SEED'] ?? Date.now() % 1_000_000);
const seconds = Number(process.env['MULTINIC_FAULTS_SECONDS'] ?? 60);
const durationMs = electionTimes.durationSeconds * 1000;
/** What a run that shows something has at the least: a machine that is busy takes longer for it, for as many times the time at the most. */
const enough = { handOvers: Math.floor(seconds / 20), changes: seconds, writes: seconds / 2, recorded: seconds / 4 };
const atMost = 4;

let alone: Alone;
let client: KubeClient;
let hosts: Hosts;
let recorder: Recorder;
let place: Omit<SlotOptions, 'name'>;
const stop = new AbortController();
const slots: Slot[] = [];

beforeAll(async () => {
  if (real === undefined) return;
  alone = await startAlone(real);
  const kubectl = (...args: string[]): Promise<string> =>
    createRunner('no lab').must(['kubectl', `--kubeconfig=${alone.kubeconfig}`, ...args], {
      cwd: new URL('../..', import.meta.url).pathname,
    });
  await kubectl('apply', '--filename=src/lab/manifests/nad-crd.yaml');
  await kubectl('apply', '--kustomize=deploy');
  await kubectl('wait', '--for=condition=Established', '--timeout=90s', 'crd', '--all');
  const { url, ca = '' } = accessFrom(alone.kubeconfig);
  const token = await serviceAccountToken({ admin: alone.kubeconfig }, 'multinic-operator');
  place = { dir: dirname(alone.auditLog), server: url, ca, token };
  const cluster = await loadCluster({ kubeconfig: alone.kubeconfig, env: {} });
  client = createClient({ cluster, userAgent: 'test' });
  hosts = startHosts({
    client,
    host: (name) => find<HostInterface>(client, resources.hostInterfaces, name),
    pools: async () => (await client.list<IPPool>(resources.ipPools)).items,
    addNode: async (name) => {
      await client.create(resources.nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name } });
    },
  });
  // A kind that was just defined answers 429 until its cache is filled.
  for (const ref of [resources.multiNicNetworks, resources.hostInterfaces, resources.cidrSlices]) {
    await vi.waitFor(() => client.list(ref), soon);
  }
  recorder = await recordHistory(client, stop.signal);
});
afterAll(async () => {
  await Promise.all(slots.map((slot) => slot.close()));
  stop.abort();
  await hosts?.stop();
  await recorder?.ended;
  await client?.close();
  await alone?.close();
});

const soon = { timeout: 120_000, interval: 200 };

async function startOperators(name: string, args: readonly string[] = []): Promise<Slot> {
  const slot = await startSlot({ ...place, name, args });
  slots.push(slot);
  return slot;
}

async function leaseHolder(): Promise<string> {
  const lease = await find<Lease>(client, inNamespace(resources.leases, deployNamespace), 'multinic-operator');
  return lease?.spec?.holderIdentity ?? '';
}

/** Who suffers a fault: the one that leads, as soon as one does that is well; or the other, as soon as it is. */
async function victim({ whom }: Fault, pair: readonly Slot[], until: AbortSignal): Promise<Slot | undefined> {
  while (!until.aborted) {
    const leader = await leaseHolder();
    const slot = pair.find(({ identity }) => (identity === leader) === (whom === 'leader'));
    if (slot?.busy === false) return slot;
    await sleep(200);
  }
  return undefined;
}

/** Faults at random until the signal is aborted; then both are well. Answers what there was. */
async function torment(pair: readonly Slot[], until: AbortSignal): Promise<string[]> {
  const said: string[] = [];
  const suffering: Promise<void>[] = [];
  for (const fault of drawFaults(dice(seed))) {
    const slot = await victim(fault, pair, until);
    if (slot === undefined) break;
    said.push(`${fault.kind} ${fault.whom} ${slot.identity} ${fault.forMs} ms`);
    const suffered = slot.suffer(fault, until);
    // Looked at in the end: not as a rejection that nobody waits for.
    suffered.catch(() => undefined);
    suffering.push(suffered);
    await sleep(fault.thenMs, undefined, { signal: until }).catch(() => undefined);
  }
  await Promise.all(suffering);
  return said;
}

/** What has happened so far, and of what there was not enough yet. */
function amounts(records: Records, changes: number) {
  const { writes, recorded } = records;
  const seen = { handOvers: handOvers(records).length, changes, writes: writes.length, recorded: recorded.length };
  const missing = (['handOvers', 'changes', 'writes', 'recorded'] as const).filter((one) => seen[one] < enough[one]);
  return { ...seen, missing };
}

/** Until the time is over and enough has happened, however busy the machine is; or until it is not going to. */
async function untilShown(changes: () => number, until: AbortSignal): Promise<void> {
  const begun = Date.now();
  const passed = (): number => (Date.now() - begun) / 1000;
  while (!until.aborted && passed() < seconds) await sleep(500);
  while (!until.aborted && passed() < atMost * seconds) {
    if (amounts(readRecords(alone.auditLog), changes()).missing.length === 0) return;
    await sleep(1_000);
  }
}

/** Networks that stay are ready on hosts that stay. */
async function settled(): Promise<void> {
  for (const name of networks.staying) {
    const conditions = async () =>
      (await client.get<MultiNicNetwork>(resources.multiNicNetworks, name)).status?.conditions;
    await expect.poll(conditions, soon).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
    for (const host of stayingHosts) {
      const given = (await find<HostInterface>(client, resources.hostInterfaces, host))?.status?.networks ?? [];
      expect(given.map((one) => one.name)).toContain(name);
    }
  }
}

/** Seconds from the last word of one holder to the first of the next. */
function handOvers({ leases }: Records): number[] {
  return leases.flatMap((lease, at) => {
    const before = leases[at - 1];
    const last = before?.holder === '' ? leases[at - 2] : before;
    return before === undefined || lease.holder === '' || lease.holder === last?.holder
      ? []
      : [(lease.at - before.at) / 1000];
  });
}

test(
  `two operators for ${seconds} s: killed, ended, stopped and cut off at random, while networks, hosts and namespaces come and go (seed ${seed})`,
  async () => {
    for (const name of networks.staying) await client.create(resources.multiNicNetworks, network(name, 'bridge'));
    for (const name of stayingHosts) await hosts.join(name, [1, 2]);
    const pair = await Promise.all([startOperators('left'), startOperators('right')]);
    await settled();
    const quiet = new AbortController();
    const pulse = startPulse(leaseHolder, stop.signal);
    let changes = 0;
    const changing = churn(client, hosts, dice(seed + 1), quiet.signal, () => {
      changes += 1;
    });
    const shown = untilShown(() => changes, quiet.signal);
    const [faults] = await Promise.all([
      torment(pair, quiet.signal),
      changing,
      shown.then(() => quiet.abort()),
    ]).finally(() => quiet.abort());
    await settled();
    // Whoever leads by now is left to go on for a while.
    await expect.poll(leaseHolder, soon).not.toBe('');

    // The server's log tells of a write before the watches do, and an operator may still be writing.
    const missing = (): string[] => judgeRecord(recorder.history(), readRecords(alone.auditLog).recorded);
    await expect.poll(missing, soon).toEqual([]);
    const records = readRecords(alone.auditLog);
    const history = recorder.history();
    const times = handOvers(records).map((one) => one.toFixed(1));
    process.stdout.write(
      `seed ${seed}: ${faults.length} faults (${faults.join('; ')}); hand-overs ${times.join(', ')} s; ${changes} changes, ` +
        `${records.writes.length} writes of operators, ${history.length} revisions looked at; ` +
        `the machine lost ${Math.round(pulse.lost(0, Date.now()))} ms\n`,
    );
    const able = pair.flatMap((slot) => slot.able());
    expect(recorder.gaps).toEqual([]);
    expect(judgeLedger(history)).toEqual([]);
    expect(judgeBlocks(history)).toEqual([]);
    expect(judgeWrites(records.writes, records.leases, durationMs)).toEqual([]);
    expect(judgeHandOvers(records.leases, able, Date.now(), 20_000, pulse.lost)).toEqual([]);
    // Else this has shown little.
    expect(amounts(records, changes)).toEqual(expect.objectContaining({ missing: [] }));
  },
  (atMost * seconds + 500) * 1000,
);

test('an operator beside the leader that does not ask whether it leads is found out', async () => {
  const [left] = slots;
  if (left === undefined) return;
  await Promise.all(slots.slice(1).map((slot) => slot.close()));
  await expect.poll(leaseHolder, soon).toBe(left.identity);
  const wild = await startOperators('wild', ['--no-leader-elect']);
  const name = networks.staying[0];
  const found = async (): Promise<string[]> => {
    await client.patch(resources.multiNicNetworks, name, 'merge', { spec: network(name, 'private').spec });
    await client.patch(resources.multiNicNetworks, name, 'merge', { spec: network(name, 'bridge').spec });
    const { writes, leases } = readRecords(alone.auditLog);
    return judgeWrites(writes, leases, durationMs);
  };
  await expect
    .poll(found, soon)
    .toContainEqual(expect.stringMatching(new RegExp(`by ${wild.identity}: the Lease was ${left.identity}'s`)));
});
