import { afterAll, beforeAll, expect, test } from 'vitest';
import { daemonCalls } from '../../src/lab/demo/calls.ts';
import { createPods } from '../../src/lab/demo/pods.ts';
import { createLab, type Lab } from '../../src/lab/lab.ts';
import { statusAnnotation } from '../../src/lab/pods/annotation.ts';
import { readPod } from '../../src/lab/pods/pods.ts';
import { networkStatus } from '../../src/lab/pods/status.ts';
import { item } from '../support/scenario/item.ts';
import { leftovers, listing } from '../support/scenario/leftovers.ts';
import { applyReady, deleteNetwork } from '../support/scenario/networks.ts';
import { lostPings } from '../support/scenario/pods.ts';
import { realApi } from './control-plane/source.ts';
import { installMultus, type Multus } from './multus/multus.ts';
import { realOrSkip } from './real.ts';

const real = realOrSkip();
const nics = 4;
let lab: Lab;
let multus: Multus;

beforeAll(async () => {
  if (real === undefined) return;
  lab = await createLab({ hosts: 2, nics, pods: 8, api: realApi(real) });
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
