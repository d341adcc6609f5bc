import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isObject, type JsonObject } from '../../../src/cni/fields.ts';
import { type ServingHost, startServingHost } from '../../support/serving/host.ts';
import { planOf } from '../../support/serving/plan.ts';

let root: string;
let serving: ServingHost;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'multinic-ipam-'));
  const plans = [planOf({ network: 'lent', subnet: '10.77.0.0/16', nics: 2, firstShorterBy: 7 })];
  serving = await startServingHost({ nics: 2, plans, root });
});
afterAll(async () => {
  await serving?.close();
  rmSync(root, { recursive: true, force: true });
});

interface Answered {
  readonly status: number;
  readonly answer: JsonObject;
}

/** The reference plugin macvlan, whose master is the NIC. */
function macvlan(verb: string, ifname: string, master: string, prevResult?: JsonObject): Promise<Answered> {
  const conf = { name: `by-hand-${master}`, type: 'macvlan', mode: 'bridge', master };
  return byHand(verb, ifname, { ...conf, ipam: { type: 'multi-nic-ipam', network: 'lent' } }, prevResult);
}

/** Runs a reference plugin as Multus does for a NetworkAttachmentDefinition that somebody wrote. */
async function byHand(
  verb: string,
  ifname: string,
  plugin: JsonObject & { readonly type: string },
  prevResult?: JsonObject,
): Promise<Answered> {
  const conf = { cniVersion: '1.0.0', ...plugin };
  const { code: status, stdout } = await serving.host.exec([`/usr/lib/cni/${plugin.type}`], {
    env: {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: 'c1',
      CNI_NETNS: '/run/netns/pod',
      CNI_IFNAME: ifname,
      CNI_PATH: '/opt/cni/bin:/usr/lib/cni',
    },
    bareEnv: true,
    input: JSON.stringify({ ...conf, ...(prevResult && { prevResult }) }),
  });
  const answer: unknown = stdout.trim() === '' ? {} : JSON.parse(stdout);
  return { status: status ?? -1, answer: isObject(answer) ? answer : {} };
}

const show = async (...argv: string[]): Promise<string> =>
  (await serving.host.exec(['ip', '-n', 'pod', ...argv])).stdout;

test('the real macvlan plugin calls our shim: an address of each NIC’s block, CHECK, exhaustion, nothing left', async () => {
  await serving.host.exec(['ip', 'netns', 'add', 'pod']);
  const first = await macvlan('ADD', 'net1', 'eth1');
  const second = await macvlan('ADD', 'net2', 'eth2');
  expect([first.answer['ips'], second.answer['ips']]).toMatchObject([
    [{ address: '10.77.1.0/20', interface: 0 }],
    [{ address: '10.77.17.0/20', interface: 0 }],
  ]);
  expect(await show('-o', 'address', 'show', 'dev', 'net1')).toContain('10.77.1.0/20');
  expect(await show('-o', 'address', 'show', 'dev', 'net2')).toContain('10.77.17.0/20');
  expect(await macvlan('CHECK', 'net1', 'eth1', first.answer)).toMatchObject({ status: 0 });
  expect((await macvlan('ADD', 'net3', 'eth1')).status).toBe(0);
  const full = await macvlan('ADD', 'net4', 'eth1');
  expect(full).toMatchObject({ status: 1, answer: { code: 101, msg: expect.stringContaining('lent') } });
  // Once too often, and one that got nothing (macvlan leaves its link there until DEL).
  for (const [ifname = '', master = ''] of [
    ['net1', 'eth1'],
    ['net2', 'eth2'],
    ['net3', 'eth1'],
    ['net4', 'eth1'],
    ['net1', 'eth1'],
  ]) {
    expect(await macvlan('DEL', ifname, master)).toMatchObject({ status: 0 });
  }
  expect(await show('-o', 'link')).not.toContain('net');
  expect((await macvlan('CHECK', 'net1', 'eth1', first.answer)).status).toBe(1);
});

test('the real bridge plugin, which has no master: the NIC is named in ipam', async () => {
  await serving.host.exec(['ip', 'netns', 'add', 'pod']);
  const ipam = { type: 'multi-nic-ipam', network: 'lent', master: 'eth2' };
  const conf = { name: 'by-hand-bridge', type: 'bridge', bridge: 'br-hand', ipam };
  const { answer, status } = await byHand('ADD', 'net1', conf);
  expect({ status, ...answer }).toMatchObject({
    status: 0,
    ips: [{ address: expect.stringMatching(/^10\.77\.17\./) }],
  });
  expect(await show('-o', 'address', 'show', 'dev', 'net1')).toContain(' 10.77.17.');
  expect(await byHand('CHECK', 'net1', conf, answer)).toMatchObject({ status: 0 });
  expect(await byHand('DEL', 'net1', conf)).toMatchObject({ status: 0 });
  expect(await byHand('CHECK', 'net1', conf, answer)).toMatchObject({ status: 1 });
});
