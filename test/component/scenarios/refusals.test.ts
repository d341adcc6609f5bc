import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LabHost } from '../../../src/lab/hosts/hosts.ts';
import type { Lab } from '../../../src/lab/lab.ts';
import type { Listing } from '../../../src/lab/leftovers/item.ts';
import { storeRows } from '../../../src/lab/leftovers/rows.ts';
import type { LabPod } from '../../../src/lab/pods/pods.ts';
import { item } from '../../support/scenario/item.ts';
import { createLab } from '../../support/scenario/lab.ts';
import { leftovers, listing } from '../../support/scenario/leftovers.ts';
import { applyReady } from '../../support/scenario/networks.ts';
import { addressTexts } from '../../support/scenario/pods.ts';
import { untilAllocated } from '../../support/scenario/pools.ts';
import { type Bench, configOf, createBench, type ShimCall } from '../../support/scenario/shim.ts';

// 8 addresses on each host and NIC.
const wish = { subnets: ['172.16.0.0/24'], interfaceBlock: 2, hostBlock: 3, capabilities: { ips: true } };

let lab: Lab;
let host: LabHost;
let bench: Bench;
let before: Listing;

beforeAll(async () => {
  // What is released rests for as long as all of this takes.
  lab = await createLab({ hosts: 2, nics: 2, pods: 20, daemonArgs: ['--cooldown=600s'] });
  host = item(lab.hosts, 0);
  await applyReady(lab, 'small', wish);
  bench = await createBench(host);
  before = await listing(lab);
});
afterAll(() => lab?.close());

/** The refusal in full; and nothing is half-done: not a link, an address, a row or an object more than before. */
async function expectRefused(call: ShimCall, code: number, msg: string | RegExp): Promise<void> {
  const answer = await bench.call(call);
  expect(answer).toMatchObject({ exit: 1, code, msg: msg instanceof RegExp ? expect.stringMatching(msg) : msg });
  expect(await leftovers(lab, before)).toEqual([]);
}

it.each<[title: string, change: (config: Record<string, unknown>) => ShimCall, code: number, msg: string | RegExp]>([
  [
    'a network that no host serves',
    (config) => ({ config: { ...config, name: 'nosuch' } }),
    7,
    'host host1 serves no network nosuch (it serves: small): is there a MultiNicNetwork of that name, Ready, with a NIC network that this host has?',
  ],
  [
    'a configuration that is no JSON',
    () => ({ config: '{"cniVersion": "1.0.0", "name": ' }),
    6,
    /^network configuration is not JSON: /,
  ],
  [
    'several wrong fields at once',
    (config) => ({ config: { ...config, dns: 7, args: { cni: { nics: 'two', masters: 'eth1' } } } }),
    7,
    /^network configuration "small": (?=.*dns)(?=.*args\.cni\.nics)(?=.*args\.cni\.masters)/,
  ],
  [
    'a cniVersion that nobody has',
    (config) => ({ config: { ...config, cniVersion: '2.0.0' } }),
    1,
    'network configuration has cniVersion "2.0.0"; supported versions: 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0',
  ],
  [
    'an address of another host',
    (config) => ({ config, ips: ['172.16.0.9'] }),
    102,
    'requested address 172.16.0.9 is not of network "small" on host host1: its blocks there are 172.16.0.0/29 (eth1), 172.16.0.64/29 (eth2). Ask for one of these, or run the pod on the host whose IPPool has it',
  ],
  ['an address that is none', (config) => ({ config, ips: ['172.16.0'] }), 4, /172\.16\.0/],
  [
    'an address that no pod can have',
    (config) => ({ config, ips: ['172.16.0.0'] }),
    102,
    'requested address 172.16.0.0 of network "small" on host host1, NIC eth1 is an end of 172.16.0.0/26: ask for another',
  ],
  [
    'a folder without the delegate',
    (config) => ({ config, path: '/opt/cni/bin:/nowhere' }),
    103,
    'the delegate macvlan is in no directory of CNI_PATH (/opt/cni/bin:/nowhere): install the CNI plugins on this host',
  ],
])('%s', async (_title, change, code, msg) => {
  await expectRefused(change({ ...(await configOf(lab, 'small')) }), code, msg);
});

it.each([
  [
    { masters: ['eth1', 'eth7'] },
    'network "small" on host host1: masters names eth7, which cannot be had. NICs that can be had: eth1, eth2',
  ],
  [
    { nics: 3 },
    'network "small" on host host1: the pod asks for 3 NICs, 2 can be had. NICs that can be had: eth1, eth2',
  ],
  [
    { masters: ['eth2'], nics: 2 },
    'network "small" on host host1: the pod asks for 2 NICs, 1 can be had. NICs that can be had: eth1, eth2',
  ],
  [
    { class: 'gpu' },
    'network "small": the pod asks for NICs of class "gpu", which needs strategy devClass; the network has none: leave class out',
  ],
])('cni-args %o', async (cniArgs, msg) => {
  await expectRefused({ config: await configOf(lab, 'small', cniArgs) }, 102, msg);
});

it('an address in use, and one that was just released', async () => {
  const config = await configOf(lab, 'small');
  const networks = JSON.stringify([{ name: 'small', ips: ['172.16.0.5'] }]);
  const pod = await lab.addPod({ name: 'holder', host, networks });
  before = await listing(lab);
  await expectRefused(
    { config, ips: ['172.16.0.5'] },
    102,
    'requested address 172.16.0.5 of network "small" on host host1, NIC eth1 is in use by another attachment, whose pod the IPPool names: ask for another or delete that pod',
  );
  await lab.removePod(pod);
  before = await listing(lab);
  await expectRefused(
    { config, ips: ['172.16.0.5'] },
    11,
    /^requested address 172\.16\.0\.5 of network "small" on host host1, NIC eth1 was released a moment ago and rests for another \d+ s: try again then$/,
  );
});

it('an exhausted block: what is free is given, to the last address; the NIC with room gets none either', async () => {
  // A network of its own: what rests on the other is given after 10 s, where nothing else is free.
  await applyReady(lab, 'full', { ...wish, subnets: ['172.17.0.0/24'] });
  const config = await configOf(lab, 'full', { masters: ['eth1'] });
  const pods: LabPod[] = [];
  const on = (nic: string): string => JSON.stringify([{ name: 'full', 'cni-args': { masters: [nic] } }]);
  // 172.17.0.0 is an end.
  for (let at = 0; at < 7; at++) pods.push(await lab.addPod({ name: `p${at}`, host, networks: on('eth1') }));
  before = await listing(lab);
  const msg =
    'network "full", host host1, NIC eth1: block 172.17.0.0/29 has no free address: of 7, 7 are in use and 0 rest after their release. Delete pods, or plan larger blocks (lower hostBlock)';
  await expectRefused({ config }, 101, msg);
  await expectRefused({ config: await configOf(lab, 'full') }, 101, msg);
  pods.push(await lab.addPod({ name: 'other-nic', host, networks: on('eth2') }));
  for (const pod of pods) await lab.removePod(pod);
});

it('a second network whose interface name the first has taken: none of the pod’s networks stays', async () => {
  before = await listing(lab);
  const networks = JSON.stringify([{ name: 'small' }, { name: 'small', interface: 'net1-1' }]);
  await expect(lab.addPod({ name: 'clash', host: item(lab.hosts, 1), networks })).rejects.toMatchObject({
    code: 4,
    message: expect.stringMatching(
      /has an interface net1-1 already, and it is not of attachment small\/[0-9a-f]{64}\/net1-1/,
    ),
  });
  await lab.api.kubectl(['delete', 'pod', 'clash', '--force']);
  expect(await leftovers(lab, before)).toEqual([]);
});

it.each(['SIGSTOP', 'SIGKILL'] as const)('daemon away by %s: ADD waits for it and succeeds', async (signal) => {
  const other = item(lab.hosts, 1);
  const daemon = lab.daemon(other);
  if (signal === 'SIGKILL') await lab.killDaemon(other);
  else process.kill(daemon.pid() ?? 0, signal);
  let answered = false;
  const pod = lab.addPod({ name: 'waits', host: other, networks: 'small' }).finally(() => (answered = true));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(answered).toBe(false);
  if (signal === 'SIGKILL') await lab.startDaemon(other);
  else process.kill(daemon.pid() ?? 0, 'SIGCONT');
  expect(addressTexts(await pod)).toHaveLength(2);
  await lab.removePod(await pod);
});

it('daemon away: DEL is spooled, and carried out when it comes back', async () => {
  const other = item(lab.hosts, 1);
  before = await listing(lab);
  const pod = await lab.addPod({ name: 'spooled', host: other, networks: 'small' });
  const isHeld = (row: string) => row.includes(pod.sandbox.containerID.slice(0, 32));
  await lab.killDaemon(other);
  await lab.removePod(pod);
  const spool = await other.exec(['ls', '/var/lib/multinic/spool']);
  expect(spool.stdout.trim().split('\n')).toHaveLength(1);
  expect(storeRows(other.dir).filter(isHeld)).not.toEqual([]);
  await lab.startDaemon(other);
  expect(storeRows(other.dir).filter(isHeld)).toEqual([]);
  expect(await leftovers(lab, before)).toEqual([]);
  await untilAllocated(lab, other, 0);
});
