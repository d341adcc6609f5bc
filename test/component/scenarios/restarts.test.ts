import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { resources } from '../../../src/kube/calls/resource.ts';
import { until } from '../../../src/lab/cluster/wait.ts';
import type { LabHost } from '../../../src/lab/hosts/hosts.ts';
import type { Lab } from '../../../src/lab/lab.ts';
import type { Listing } from '../../../src/lab/leftovers/item.ts';
import { readCounts } from '../../../src/lab/ping.ts';
import {
  attachPod,
  detachPod,
  type LabPod,
  type PreparedPod,
  podObject,
  preparePod,
} from '../../../src/lab/pods/pods.ts';
import { item } from '../../support/scenario/item.ts';
import { createLab } from '../../support/scenario/lab.ts';
import { leftovers, listing } from '../../support/scenario/leftovers.ts';
import { apply, applyReady, deleteNetwork, network, waitReady } from '../../support/scenario/networks.ts';
import { bareAddresses, lostPings } from '../../support/scenario/pods.ts';
import { untilAllocated } from '../../support/scenario/pools.ts';

// Blocks of 8, the first addresses left out: one that counts as free by mistake is given out soon.
const wish = { subnets: ['172.16.0.0/24'], interfaceBlock: 2, hostBlock: 3, excludeCIDRs: ['172.16.0.0/28'] };

let lab: Lab;
let before: Listing;
let host: LabHost;
let pods: LabPod[];

beforeAll(async () => {
  lab = await createLab({ hosts: 2, nics: 2, pods: 20, daemonArgs: ['--cooldown', '10s'] });
  host = item(lab.hosts, 0);
  before = await listing(lab);
  await applyReady(lab, 'net', wish);
  pods = [];
  for (const on of [host, host, item(lab.hosts, 1)]) {
    pods.push(await lab.addPod({ name: `pod${pods.length}`, host: on, networks: 'net' }));
  }
});
afterAll(() => lab?.close());

/** Objects and sandboxes of pods, so that ADD needs the API server no more. */
async function prepare(names: readonly string[], on: LabHost): Promise<PreparedPod[]> {
  const prepared: PreparedPod[] = [];
  for (const name of names) {
    const object = podObject(name, 'default', on.name, 'net');
    const pod = await lab.api.client.create({ ...resources.pods, namespace: 'default' }, object);
    prepared.push(await preparePod(lab.api.client, on, pod));
  }
  return prepared;
}

/** Pings of one target that may have no answer yet when pinging is ended. */
const onTheirWay = 2;

/**
 * Pings from one pod to another on each NIC, ten times a second, until told to stop; answers how many came back, and which did not.
 * Those of the last moment are on their way when it ends.
 */
function keepPinging(from: LabPod, to: LabPod): () => Promise<{ received: number; lost: string[] }> {
  const stop = join(lab.dir, 'stop-pings');
  const script =
    'stop=$1; shift; fping -c 6000 -p 100 -t 30000 "$@" & child=$!; until [ -e "$stop" ]; do sleep 0.1; done; kill -INT $child; wait $child';
  const running = from.exec(['sh', '-c', script, 'pings', stop, ...bareAddresses([to])]);
  return async () => {
    writeFileSync(stop, '');
    const { stdout, stderr } = await running;
    const back = [...stdout.matchAll(/^(\S+)\s*: \[(\d+)\], \d+ bytes/gm)].map(
      ([, target, number]) => `${target} ${number}`,
    );
    const sent = [...readCounts(stderr)].flatMap(([target, { sent }]) =>
      Array.from({ length: Math.max(0, sent - onTheirWay) }, (_, number) => `${target} ${number}`),
    );
    return { received: back.length, lost: sent.filter((ping) => !back.includes(ping)) };
  };
}

it('daemons killed, back without an API server: pods talk on, ADD and DEL go on from what the host knows', async () => {
  const prepared = await prepare(['offline1', 'offline2', 'offline3'], host);
  const [first, second, third] = pods;
  if (!first || !second || !third) throw new Error('too few pods');
  const stop = keepPinging(first, third);
  lab.api.stop();
  const added: LabPod[] = [];
  try {
    for (const one of lab.hosts) await lab.killDaemon(one);
    for (const one of lab.hosts) await lab.startDaemon(one);
    for (const one of prepared) added.push(await attachPod(one));
    const addresses = bareAddresses([...pods, ...added]);
    expect(new Set(addresses).size).toBe(addresses.length);
    expect(await lostPings([...pods, ...added])).toEqual([]);
    await detachPod(item(added, 0));
    await detachPod(second);
  } finally {
    lab.api.go();
  }
  const { received, lost } = await stop();
  expect(received).toBeGreaterThan(20);
  expect(lost).toEqual([]);

  await waitReady(lab, 'net');
  await untilAllocated(lab, host, 2 * (1 + 2));
  await lab.forgetPods([item(added, 0), second]);
  for (const pod of added.slice(1)) await lab.removePod(pod);
  pods = [first, third];
});

it.each([0, 100])('operator killed %i ms into apply, and into delete: a new one ends both', async (ms) => {
  const stands = await listing(lab);
  const pause = () => new Promise((resolve) => setTimeout(resolve, ms));
  await apply(lab, 'again', { ...wish, subnets: ['172.17.0.0/24'] });
  await pause();
  await lab.operator.stop('SIGKILL');
  await lab.operator.start();
  await waitReady(lab, 'again');
  const pod = await lab.addPod({ name: 'again', host, networks: 'again' });
  await lab.removePod(pod);
  await lab.api.kubectl(['delete', 'multinicnetwork', 'again', '--wait=false']);
  await pause();
  await lab.operator.stop('SIGKILL');
  await lab.operator.start();
  await until('the end of network again', async () => ((await network(lab, 'again')) === undefined ? true : undefined));
  expect(await leftovers(lab, stands)).toEqual([]);
});

const spoils: readonly [title: string, spoil: (path: string) => void][] = [
  ['deleted', (path) => rmSync(path)],
  ['overwritten', (path) => writeFileSync(path, 'no database at all')],
];

/** Takes the store away under a daemon that is down, then asks for every address that the host has. */
async function loseStore(on: LabHost, title: string, spoil: (path: string) => void): Promise<LabPod[]> {
  const running = pods.filter((pod) => pod.host === on);
  await untilAllocated(lab, on, 2 * running.length);
  // These stand in no IPPool: publishing waits for 10 s behind the last time.
  for (const moment of ['first', 'last']) {
    running.push(await lab.addPod({ name: `${title}-${moment}-moment`, host: on, networks: 'net' }));
  }
  await lab.killDaemon(on);
  const dir = join(on.dir, 'var/lib/multinic');
  const files = readdirSync(dir).filter((name) => name.startsWith('state.sqlite'));
  expect(files).not.toEqual([]);
  for (const name of files) spoil(join(dir, name));
  await lab.startDaemon(on);

  const all = [...running];
  for (let at = all.length; at < 8; at++) {
    all.push(await lab.addPod({ name: `${title}${at}`, host: on, networks: 'net' }));
  }
  await expect(lab.addPod({ name: `${title}-last`, host: on, networks: 'net' })).rejects.toMatchObject({ code: 101 });
  await lab.api.kubectl(['delete', 'pod', '--force', `${title}-last`]);
  const addresses = bareAddresses(all);
  expect(new Set(addresses).size).toBe(addresses.length);
  return all;
}

it('a store is lost while its daemon is down: no address of a running pod is given out again', async () => {
  const found = await Promise.all(spoils.map(([title, spoil], at) => loseStore(item(lab.hosts, at), title, spoil)));
  pods = found.flat();
  expect(await lostPings(pods)).toEqual([]);
});

it('all of it goes in the end', async () => {
  for (const pod of pods) await lab.removePod(pod);
  await deleteNetwork(lab, 'net');
  expect(await leftovers(lab, before)).toEqual([]);
});
