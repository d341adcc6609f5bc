import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../../../src/lab/cluster/wait.ts';
import type { Lab } from '../../../src/lab/lab.ts';
import type { Listing } from '../../../src/lab/leftovers/item.ts';
import { item } from '../../support/scenario/item.ts';
import { createLab } from '../../support/scenario/lab.ts';
import { leftovers, listing } from '../../support/scenario/leftovers.ts';
import { deleteNetwork, network, waitCondition, waitReady } from '../../support/scenario/networks.ts';
import { addressTexts, bareAddresses, linksOf } from '../../support/scenario/pods.ts';

let lab: Lab;
let before: Listing;

beforeAll(async () => {
  lab = await createLab({ hosts: 2, nics: 2, pods: 6 });
  before = await listing(lab);
});
afterAll(() => lab?.close());

async function applyWith(name: string, ipam: object, more: object = { multiNICIPAM: false }): Promise<void> {
  const plugin = { cniVersion: '1.0.0', type: 'macvlan' };
  const spec = { ipam: JSON.stringify(ipam), ...more, plugin };
  const object = { apiVersion: 'multinic.fms.io/v1', kind: 'MultiNicNetwork', metadata: { name }, spec };
  await lab.api.kubectl(['apply', '-f', '-'], JSON.stringify(object));
  await waitReady(lab, name);
}

/** As `kubectl get` shows it in the column ATTACHMENTS. */
async function attachments(name: string, count: number): Promise<void> {
  await until(`${count} attachments of ${name}`, async () =>
    (await network(lab, name))?.status?.attachments === count ? true : undefined,
  );
}

it('networks whose addresses other plugins give, from kubectl to the pod and back: pods are counted, and a deletion waits for them', async () => {
  const range = (subnet: string) => ({ ranges: [[{ subnet }]] });
  await applyWith('by-nic', {
    type: 'multi-config',
    ipam_type: 'host-local',
    args: { eth1: range('10.8.1.0/24'), eth2: range('10.8.2.0/24') },
  });
  await applyWith('bare', { type: 'static' });
  const [one, two] = [item(lab.hosts, 0), item(lab.hosts, 1)];
  const first = await lab.addPod({ name: 'a', host: one, networks: 'by-nic,bare' });
  const asks = JSON.stringify([{ name: 'by-nic', ips: ['10.8.2.77'], 'cni-args': { nics: 1 } }]);
  const second = await lab.addPod({ name: 'b', host: two, networks: asks });
  expect(addressTexts(first)).toEqual(['net1 10.8.1.2/24', 'net1-1 10.8.2.2/24']);
  expect(addressTexts(second)).toEqual(['net1 10.8.2.77/24']);
  await attachments('by-nic', 2);
  await attachments('bare', 1);

  await lab.api.kubectl(['delete', 'multinicnetwork', 'by-nic', 'bare', '--wait=false']);
  const waits = async (name: string, message: string) =>
    waitCondition(lab, name, 'Ready', (ready) => ready.reason === 'Draining' && ready.message === message);
  await waits('by-nic', '2 attachments still there: host1 (1), host2 (1); delete their pods');
  await waits('bare', '1 attachment still there: host1 (1); delete their pods');
  await expect(lab.addPod({ name: 'c', host: one, networks: 'by-nic' })).rejects.toThrow(/is being deleted/);
  await lab.api.kubectl(['delete', 'pod', 'c', '--force', '--grace-period=0']);
  await lab.removePod(first);
  await waits('by-nic', '1 attachment still there: host2 (1); delete their pods');
  await lab.removePod(second);
  for (const name of ['by-nic', 'bare']) {
    await until(`${name} to be gone`, async () => (await network(lab, name)) === undefined || undefined);
  }
  expect(await leftovers(lab, before)).toEqual([]);
});

it('source routing of a network and the MAC that a pod asks for', async () => {
  const gateways = ['10.66.63.254', '10.66.127.254'];
  const routes = gateways.map((gw) => ({ dst: '0.0.0.0/0', gw }));
  const ipam = { type: 'multi-nic-ipam', interfaceBlock: 2, hostBlock: 6, sourceRouting: true, routes };
  await applyWith('by-source', ipam, { subnet: '10.66.0.0/16' });
  const mac = '02:00:5e:00:00:66';
  const networks = JSON.stringify([{ name: 'by-source', mac }]);
  const pod = await lab.addPod({ name: 'd', host: item(lab.hosts, 0), networks });
  expect((await linksOf(pod)).map((link) => link.mac === mac)).toEqual([true, false]);
  const ways = [];
  for (const own of bareAddresses([pod])) {
    const { stdout } = await pod.exec(['ip', 'route', 'get', '192.0.2.1', 'from', own]);
    ways.push(/via (\S+) dev (\S+)/.exec(stdout)?.slice(1, 3));
  }
  expect(ways).toEqual([
    [gateways[0], 'net1'],
    [gateways[1], 'net1-1'],
  ]);
  // Nothing else of the pod goes that way.
  expect((await pod.exec(['ip', 'route', 'show', 'default'])).stdout).toBe('');
  await lab.removePod(pod);
  await deleteNetwork(lab, 'by-source');
  expect(await leftovers(lab, before)).toEqual([]);
});
