import { afterAll, beforeAll, expect, test } from 'vitest';
import { resultObject } from '../../src/cni/result.ts';
import { createPods } from '../../src/lab/demo/pods.ts';
import { createLab, type Lab } from '../../src/lab/lab.ts';
import { cniPath } from '../../src/lab/pods/attach.ts';
import { callEnvironment } from '../../src/lab/pods/config.ts';
import type { LabPod } from '../../src/lab/pods/pods.ts';
import { item } from '../support/scenario/item.ts';
import { applyReady, deleteNetwork } from '../support/scenario/networks.ts';
import { buildModules } from './control-plane/programs.ts';
import { realApi } from './control-plane/source.ts';
import { installMultus, type Multus } from './multus/multus.ts';
import { realOrSkip } from './real.ts';

const real = realOrSkip();
const nics = 3;
/** Gateways on the rails of net1's NIC. */
const gateways = ['10.62.63.254', 'fd00:62::3ffe'];
let lab: Lab;
let multus: Multus;

beforeAll(async () => {
  if (real === undefined) return;
  // As released, Multus 4.3 finds no default route to replace, whatever the plugin: see docs/network.md.
  const folder = buildModules(['multus-routes']).get('multus-routes');
  lab = await createLab({ hosts: 1, nics, pods: 4, api: realApi(real) });
  multus = await installMultus(lab, `${folder}/multus-routes`, { dualStack: true });
});
afterAll(async () => {
  await lab?.close();
});

test('default-route of the annotation: by the interface that is asked for, in both families, and no other route is touched', async () => {
  await applyReady(lab, 'uplink', { subnets: ['10.62.0.0/16', 'fd00:62::/112'], interfaceBlock: 2, hostBlock: 6 });
  await applyReady(lab, 'other', { subnets: ['10.63.0.0/16', 'fd00:63::/112'], interfaceBlock: 2, hostBlock: 6 });
  const host = item(lab.hosts, 0);
  const attachOne = async (name: string, networks: readonly object[]): Promise<LabPod> => {
    const prepared = await createPods(lab, JSON.stringify(networks), [{ name, host }]);
    return multus.attach(item(prepared, 0));
  };
  const plain = await attachOne('plain', [{ name: 'other' }, { name: 'uplink' }]);
  const asking = await attachOne('asking', [{ name: 'other' }, { name: 'uplink', 'default-route': gateways }]);

  const without = await routesOf(plain);
  expect(without.filter(isDefault)).toEqual(['default via 10.244.1.1 dev eth0', 'default via fd00:244::1 dev eth0']);
  const routes = await routesOf(asking);
  expect(routes.filter(isDefault)).toEqual(gateways.map((gateway) => `default via ${gateway} dev net2`));
  expect(routes.filter((route) => !isDefault(route))).toEqual(without.filter((route) => !isDefault(route)));

  for (const pod of [plain, asking]) await checkOurs(pod);
  await lab.api.kubectl(['delete', 'pods', '--all', '--wait=false']);
  for (const pod of [plain, asking]) await multus.detach(pod);
  await lab.forgetPods([plain, asking]);
  for (const network of ['uplink', 'other']) await deleteNetwork(lab, network);
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
