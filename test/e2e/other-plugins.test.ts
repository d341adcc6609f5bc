import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resultObject } from '../../src/cni/result.ts';
import { createPods } from '../../src/lab/demo/pods.ts';
import { createLab, type Lab } from '../../src/lab/lab.ts';
import { cniPath } from '../../src/lab/pods/attach.ts';
import { callEnvironment } from '../../src/lab/pods/config.ts';
import type { LabPod } from '../../src/lab/pods/pods.ts';
import { item } from '../support/scenario/item.ts';
import { applyReady, deleteNetwork, waitReady } from '../support/scenario/networks.ts';
import { addressTexts, linksOf } from '../support/scenario/pods.ts';
import { buildModules } from './control-plane/programs.ts';
import { realApi } from './control-plane/source.ts';
import { installMultus, type Multus } from './multus/multus.ts';
import { realOrSkip } from './real.ts';

const real = realOrSkip();
const nics = 2;
/** Gateways on the rails of net1's NIC. */
const gateways = ['10.62.63.254', 'fd00:62::3ffe'];
/** Go programs are built first where they are not there, or another run's build is waited for, ms. */
const building = 3_600_000;
let lab: Lab;
let multus: Multus;
let folders: ReadonlyMap<string, string>;

beforeAll(async () => {
  if (real === undefined) return;
  // As released, Multus 4.3 finds no default route to replace, whatever the plugin: see docs/network.md.
  folders = buildModules(['multus-routes', 'whereabouts']);
  lab = await createLab({ hosts: 2, nics, pods: 6, api: realApi(real) });
  multus = await installMultus(lab, `${folders.get('multus-routes')}/multus-routes`, { dualStack: true });
}, building);
afterAll(async () => {
  await lab?.close();
});

test('default-route of the annotation: by the interface that is asked for, in both families, and no other route is touched', async () => {
  const bits = { interfaceBlock: 2, hostBlock: 6 };
  const capabilities = { mac: true, ips: true };
  await applyReady(lab, 'uplink', { subnets: ['10.62.0.0/16', 'fd00:62::/112'], ...bits, capabilities });
  await applyReady(lab, 'other', { subnets: ['10.63.0.0/16', 'fd00:63::/112'], ...bits });
  const host = item(lab.hosts, 0);
  const attachOne = async (name: string, networks: readonly object[]): Promise<LabPod> => {
    const prepared = await createPods(lab, JSON.stringify(networks), [{ name, host }]);
    return multus.attach(item(prepared, 0));
  };
  // Multus hands them over in runtimeConfig, as the network has the capabilities, and in CNI_ARGS.
  const mac = '02:00:5e:00:00:62';
  const ips = ['fd00:62::99', '10.62.0.99'];
  const [plain, asking] = await Promise.all([
    attachOne('plain', [{ name: 'other' }, { name: 'uplink' }]),
    attachOne('asking', [{ name: 'other' }, { name: 'uplink', mac, ips, 'default-route': gateways }]),
  ]);
  const given = (await linksOf(asking)).filter((link) => link.mac === mac);
  expect(given.map(({ name }) => name)).toEqual(['net2']);
  expect(addressTexts(asking)).toEqual(expect.arrayContaining(['net2 10.62.0.99/18', 'net2 fd00:62::99/114']));
  const without = await routesOf(plain);
  expect(without.filter(isDefault)).toEqual(['default via 10.244.1.1 dev eth0', 'default via fd00:244::1 dev eth0']);
  const routes = await routesOf(asking);
  expect(routes.filter(isDefault)).toEqual(gateways.map((gateway) => `default via ${gateway} dev net2`));
  expect(routes.filter((route) => !isDefault(route))).toEqual(without.filter((route) => !isDefault(route)));

  for (const pod of [plain, asking]) await checkOurs(pod);
  await lab.api.kubectl(['delete', 'pods', '--all', '--wait=false']);
  await Promise.all([plain, asking].map((pod) => multus.detach(pod)));
  await lab.forgetPods([plain, asking]);
  for (const network of ['uplink', 'other']) await deleteNetwork(lab, network);
});

interface Pools {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly spec: { readonly allocations: object };
  }[];
}

test('whereabouts: a book for each NIC in the whole cluster, and all is given back', async () => {
  await lab.api.kubectl(['apply', '--filename=test/e2e/whereabouts/whereabouts.yaml']);
  const program = `${folders.get('whereabouts')}/whereabouts`;
  for (const host of lab.hosts) {
    const linked = await host.exec(['ln', '-s', program, '/opt/cni/bin/whereabouts']);
    expect(linked.code, linked.stderr).toBe(0);
  }
  // Its settings, which its own DaemonSet would write into each host.
  const kubeconfig = await lab.api.kubeconfigOf('account:whereabouts');
  const settings = `${kubeconfig}.whereabouts`;
  // A holder of its lease that is slow for a second would be deposed by default, and its call may hang then.
  const lease = { leader_lease_duration: 60_000, leader_renew_deadline: 50_000, leader_retry_period: 500 };
  writeFileSync(settings, JSON.stringify({ datastore: 'kubernetes', kubernetes: { kubeconfig }, ...lease }));
  const range = { range: '10.64.0.0/24', configuration_path: settings };
  const ipam = JSON.stringify({ type: 'multi-config', ipam_type: 'whereabouts', args: { eth1: range, eth2: range } });
  const spec = { ipam, plugin: { cniVersion: '1.0.0', type: 'macvlan' } };
  const object = { apiVersion: 'multinic.fms.io/v1', kind: 'MultiNicNetwork', metadata: { name: 'where' }, spec };
  await lab.api.kubectl(['apply', '-f', '-'], JSON.stringify(object));
  await waitReady(lab, 'where');
  const places = lab.hosts.map((host) => ({ name: `where-${host.number}`, host }));
  const pods: LabPod[] = [];
  for (const prepared of await createPods(lab, 'where', places)) pods.push(await multus.attach(prepared));
  // Without a name of its own for each NIC, one book would serve both.
  expect(pods.map(addressTexts)).toEqual([
    ['net1 10.64.0.1/24', 'net1-1 10.64.0.1/24'],
    ['net1 10.64.0.2/24', 'net1-1 10.64.0.2/24'],
  ]);
  const booked = async (): Promise<Record<string, number>> => {
    const said = await lab.api.kubectl(['get', 'ippools.whereabouts.cni.cncf.io', '--all-namespaces', '--output=json']);
    const { items }: Pools = JSON.parse(said);
    return Object.fromEntries(items.map((one) => [one.metadata.name, Object.keys(one.spec.allocations).length]));
  };
  expect(await booked()).toEqual({ 'eth1-10.64.0.0-24': 2, 'eth2-10.64.0.0-24': 2 });
  await lab.api.kubectl(['delete', 'pods', '--all', '--wait=false']);
  await Promise.all(pods.map((pod) => multus.detach(pod)));
  expect(await booked()).toEqual({ 'eth1-10.64.0.0-24': 0, 'eth2-10.64.0.0-24': 0 });
  await lab.forgetPods(pods);
  await deleteNetwork(lab, 'where');
});

/** As Multus would: it has written the new default routes into what CHECK and DEL get as prevResult. */
async function checkOurs({ host, sandbox, attachments }: LabPod): Promise<void> {
  for (const { request, config, result } of attachments) {
    const env = callEnvironment('CHECK', sandbox, request, cniPath);
    const stdin = { ...config.json, prevResult: resultObject(result, '1.0.0') };
    const { code, stdout } = await host.exec([`/opt/cni/bin/${config.type}`], { env, input: JSON.stringify(stdin) });
    expect(code, stdout).toBe(0);
  }
}

function isDefault(route: string): boolean {
  return route.startsWith('default ');
}

/** Of both families, without what differs from pod to pod. */
async function routesOf(pod: LabPod): Promise<string[]> {
  const answers = await Promise.all(['-4', '-6'].map((family) => pod.exec(['ip', family, 'route'])));
  return answers
    .flatMap(({ stdout }) => stdout.split('\n'))
    .map((line) => line.replace(/ (proto|src|metric) .*/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('fe80'))
    .sort();
}
