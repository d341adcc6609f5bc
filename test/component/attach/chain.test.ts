import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { code } from '../../../src/api/cni-error.ts';
import type { CniResult, ContainerCall } from '../../../src/cni/types.ts';
import type { Harness } from '../../support/attach/client.ts';
import {
  type CallParts,
  callOf,
  createWorld,
  networkCall,
  plansText,
  pluginDirectory,
  type World,
} from '../../support/attach/world.ts';

let world: World;
let harness: Harness;
beforeAll(async () => {
  world = createWorld(2);
  harness = await world.start({
    plans: plansText([
      { network: 'tuned', blocks: { eth1: ['10.5.1.0/28'], eth2: ['10.5.2.0/28'] } },
      {
        network: 'slow',
        delegation: { pluginType: 'bridge', binding: 'none' },
        blocks: { eth1: ['10.6.1.0/28'], eth2: ['10.6.2.0/28'] },
      },
    ]),
  });
});
afterAll(async () => world.end());

function chained(
  verb: ContainerCall['verb'],
  metaPlugins: readonly object[],
  parts: CallParts,
  plugin: object = {},
): ContainerCall {
  const call = callOf(verb, parts);
  return { ...call, conf: { ...call.conf, plugin: { ...plugin, metaPlugins } } };
}

const ifbs = () =>
  JSON.parse(world.exec(world.host, 'ip', '-json', '-details', 'link', 'show', 'type', 'ifb')).filter(
    (link: object) => 'ifname' in link,
  );

/** Plugins of these names that write down what they are told and answer what they got; `fails` is the one whose ADD does not. */
function recorders(
  names: readonly string[],
  fails = '',
): { readonly path: readonly string[]; readonly heard: () => Heard[] } {
  const directory = mkdtempSync(join(world.folder, 'chained-'));
  const log = join(directory, 'log');
  for (const name of names) {
    const script = `#!/usr/bin/env node
const { appendFileSync, existsSync, readFileSync } = require('node:fs');
const { CNI_COMMAND: verb, CNI_IFNAME: ifname } = process.env;
if (verb === 'VERSION') return console.log('{"cniVersion":"1.0.0","supportedVersions":["0.4.0","1.0.0"]}');
const config = JSON.parse(readFileSync(0, 'utf8'));
appendFileSync(${JSON.stringify(log)}, JSON.stringify({ plugin: ${JSON.stringify(name)}, verb, ifname, config }) + '\\n');
if (verb === 'DEL' && ${name === 'second'} && existsSync(${JSON.stringify(join(directory, 'broken'))})) {
  console.log('{"code":121,"msg":"still busy"}');
  process.exit(1);
}
if (verb === 'ADD' && ${name === fails}) { console.log('{"code":120,"msg":"not today"}'); process.exit(1); }
if (verb === 'ADD') console.log(JSON.stringify({ ...config.prevResult, dns: { domain: ${JSON.stringify(name)} } }));
`;
    writeFileSync(join(directory, name), script);
    chmodSync(join(directory, name), 0o755);
  }
  const lines = () => readFileSync(log, 'utf8').trim().split('\n');
  return { path: [directory, pluginDirectory], heard: () => lines().map((line) => JSON.parse(line)) };
}

interface Heard {
  readonly plugin: string;
  readonly verb: string;
  readonly ifname: string;
  readonly config: {
    readonly cniVersion: string;
    readonly name: string;
    readonly prevResult?: CniResult;
    readonly runtimeConfig?: object;
    readonly capabilities?: object;
  };
}

test('tuning and sbr on macvlan: MTU, sysctl, MAC and rules on each NIC; CHECK sees them; DEL leaves nothing', async () => {
  const pod = world.pod();
  const chain = [
    { type: 'tuning', mtu: 1400, mac: '02:11:22:33:44:55', sysctl: { 'net.ipv4.conf.IFNAME.arp_filter': '1' } },
    { type: 'sbr' },
  ];
  const parts = { network: 'tuned', container: 't1', netns: pod };
  const result = await harness.call(chained('ADD', chain, parts));
  const tuned = { mac: '02:11:22:33:44:55', mtu: 1400 };
  expect(result?.interfaces).toMatchObject([
    { name: 'net1', ...tuned },
    { name: 'net1-1', ...tuned },
  ]);
  expect(await world.links(pod)).toMatchObject([tuned, tuned]);
  for (const name of ['net1', 'net1-1']) {
    expect(world.exec(pod, 'cat', `/proc/sys/net/ipv4/conf/${name}/arp_filter`).trim()).toBe('1');
  }
  const rules = () => world.exec(pod, 'ip', 'rule', 'show');
  expect(rules()).toMatch(/from 10\.5\.1\.1 lookup 10[01]\n/);
  expect(rules()).toMatch(/from 10\.5\.2\.1 lookup 10[01]\n/);
  expect(new Set(rules().match(/lookup 10[01]/g)).size).toBe(2);
  await harness.call(chained('CHECK', chain, parts));
  world.exec(pod, 'ip', 'link', 'set', 'net1-1', 'mtu', '1300');
  await expect(harness.call(chained('CHECK', chain, parts))).rejects.toThrow(/net1-1.*1300/);
  world.exec(pod, 'ip', 'link', 'set', 'net1-1', 'mtu', '1400');
  world.exec(pod, 'ip', 'rule', 'add', 'from', '10.5.9.9', 'lookup', '77');
  await harness.call(chained('CHECK', chain, parts));
  world.exec(pod, 'ip', 'rule', 'del', 'from', '10.5.2.1');
  await expect(harness.call(chained('CHECK', chain, parts))).rejects.toThrow(/: rule from 10\.5\.2\.1\/32 is missing$/);
  world.exec(pod, 'ip', 'rule', 'del', 'from', '10.5.9.9');

  await harness.call(chained('DEL', chain, parts));
  expect(await world.links(pod)).toEqual([]);
  expect(rules()).not.toMatch(/10\.5\./);
  await harness.call(chained('DEL', chain, parts));
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, addresses: 0, masters: 0 });
});

test('sbr takes away the way to a gateway: a network with routes by way of one is refused whole', async () => {
  const pod = world.pod();
  const routes = [{ dst: '10.99.0.0/16', gw: '10.5.1.14' }];
  const parts = { network: 'tuned', container: 'g1', netns: pod, routes };
  await expect(harness.call(chained('ADD', [{ type: 'sbr' }], parts))).rejects.toThrow(
    /ipam\.routes cannot be made.*10\.99\.0\.0/,
  );
  expect(await world.links(pod)).toEqual([]);
  expect((await harness.look()).counts).toMatchObject({ attachments: 0 });
});

test('bandwidth on bridge, by the network or as the pod asks: its link on the host goes with DEL, and with a DEL after the pod has gone', async () => {
  const bandwidth = { ingressRate: 8_000_000, ingressBurst: 800_000, egressRate: 8_000_000, egressBurst: 800_000 };
  for (const gone of [false, true]) {
    const chain = [{ type: 'bandwidth', ...(gone ? { capabilities: { bandwidth: true } } : bandwidth) }];
    const netns = world.pod();
    const parts = { network: 'slow', container: `s-${gone}`, netns };
    const plugin = { type: 'bridge', bridge: 'br-slow' };
    const call = chained('ADD', chain, parts, plugin);
    await harness.call({ ...call, conf: { ...call.conf, runtimeConfig: { bandwidth } } });
    expect(ifbs()).toHaveLength(2);
    if (gone) world.namespaces.remove(netns);
    await harness.call(chained('DEL', chain, { ...parts, netns: gone ? '' : netns }, plugin));
    expect(ifbs()).toEqual([]);
  }
  expect((await harness.look()).counts).toMatchObject({ attachments: 0 });
});

test('what the pod asks for goes to the chained plugin with that capability: a limit to each interface, ports of the host to the first', async () => {
  const { path, heard } = recorders(['limits', 'ports', 'deaf']);
  const bandwidth = { ingressRate: 8_000_000, ingressBurst: 800_000 };
  const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }];
  const chain = [
    { type: 'limits', capabilities: { bandwidth: true } },
    { type: 'ports', capabilities: { portMappings: true, bandwidth: false } },
    { type: 'deaf' },
  ];
  const parts = { network: 'tuned', container: 'cap', netns: world.pod(), path };
  const asking = (verb: ContainerCall['verb']) => {
    const call = chained(verb, chain, parts);
    return { ...call, conf: { ...call.conf, runtimeConfig: { bandwidth, portMappings, ips: ['10.5.1.5'] } } };
  };
  for (const verb of ['ADD', 'CHECK', 'DEL'] as const) await harness.call(asking(verb));
  for (const verb of ['ADD', 'CHECK', 'DEL']) {
    const told = (plugin: string) =>
      heard()
        .filter((one) => one.plugin === plugin && one.verb === verb)
        .toSorted((a, b) => (a.ifname < b.ifname ? -1 : 1))
        .map(({ config }) => [config.runtimeConfig, config.capabilities]);
    expect(told('limits')).toEqual([
      [{ bandwidth }, undefined],
      [{ bandwidth }, undefined],
    ]);
    expect(told('ports')).toEqual([
      [{ portMappings }, undefined],
      [undefined, undefined],
    ]);
    expect(told('deaf')).toEqual([
      [undefined, undefined],
      [undefined, undefined],
    ]);
  }
});

test('ADD in order with the result of the one before, DEL in reverse with the last; links gone before: still asked', async () => {
  const { path, heard } = recorders(['first', 'second']);
  const pod = world.pod();
  const parts = { network: 'tuned', container: 'o1', netns: pod, path };
  const chain = [{ type: 'first', speed: 7 }, { type: 'second' }];
  const added = await harness.call(chained('ADD', chain, parts));
  expect(added?.dns).toEqual({ domain: 'second' });
  await harness.call(chained('CHECK', chain, parts));
  await harness.call(chained('DEL', chain, parts));
  const told = (ifname: string, verb: string) => heard().filter((one) => one.ifname === ifname && one.verb === verb);
  for (const [index, ifname] of ['net1', 'net1-1'].entries()) {
    const [first, second, ...more] = told(ifname, 'ADD');
    expect(more).toEqual([]);
    expect(first).toMatchObject({
      plugin: 'first',
      config: {
        cniVersion: '1.0.0',
        name: 'tuned',
        type: 'first',
        speed: 7,
        prevResult: { cniVersion: '1.0.0', interfaces: [{ name: ifname, sandbox: pod }], ips: [{ interface: 0 }] },
      },
    });
    expect(first?.config.prevResult?.ips[0]?.address).toMatch(`10.5.${index + 1}.`);
    expect(second).toMatchObject({ plugin: 'second', config: { prevResult: { dns: { domain: 'first' } } } });
    const last = { config: { prevResult: { interfaces: [{ name: ifname }], dns: { domain: 'second' } } } };
    expect(told(ifname, 'CHECK')).toMatchObject([
      { plugin: 'first', ...last },
      { plugin: 'second', ...last },
    ]);
    expect(told(ifname, 'DEL')).toMatchObject([
      { plugin: 'second', ...last },
      { plugin: 'first', ...last },
    ]);
  }
  expect(await world.links(pod)).toEqual([]);

  await harness.call(chained('ADD', chain, parts));
  const before = heard().length;
  world.exec(pod, 'ip', 'link', 'del', 'net1');
  await harness.call(chained('DEL', chain, parts));
  const deleted = heard().slice(before);
  expect(deleted.map(({ verb, ifname }) => `${verb} ${ifname}`).sort()).toEqual([
    'DEL net1',
    'DEL net1',
    'DEL net1-1',
    'DEL net1-1',
  ]);
});

test('a chained plugin whose DEL fails keeps the record, after the pod too: said, tried again, and all gone when it succeeds', async () => {
  const { path, heard } = recorders(['first', 'second']);
  const broken = join(path[0] ?? '', 'broken');
  const pod = world.pod();
  const parts = { network: 'tuned', container: 'k1', netns: pod, path };
  const chain = [{ type: 'first' }, { type: 'second' }];
  await harness.call(chained('ADD', chain, parts));
  writeFileSync(broken, '');
  const failure = { code: 121, message: 'NIC eth1: second DEL failed: still busy' };
  await expect(harness.call(chained('DEL', chain, parts))).rejects.toMatchObject(failure);
  expect(await world.links(pod)).toEqual([]);
  world.namespaces.remove(pod);
  await expect(harness.call(chained('DEL', chain, { ...parts, netns: '' }))).rejects.toMatchObject(failure);
  await expect(harness.call(networkCall('GC', 'tuned', []))).rejects.toThrow(
    /could not remove tuned\/k1\/net1.*still busy/,
  );
  expect(await harness.retry()).toEqual([expect.stringContaining('still busy')]);
  expect((await harness.look()).records).toMatchObject([{ key: { containerID: 'k1' }, state: 'deleting' }]);
  rmSync(broken);
  const before = heard().length;
  expect(await harness.retry()).toEqual([]);
  // All of the chain, last first: what succeeded before is asked again.
  expect(
    heard()
      .slice(before)
      .filter(({ ifname }) => ifname === 'net1')
      .map(({ plugin }) => plugin),
  ).toEqual(['second', 'first']);
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, addresses: 0, masters: 0 });
});

test('a chained plugin that fails undoes every NIC, and says which; one that is not installed is named before anything is made', async () => {
  const { path, heard } = recorders(['first', 'second'], 'second');
  const pod = world.pod();
  const parts = { network: 'tuned', container: 'f1', netns: pod, path };
  await expect(harness.call(chained('ADD', [{ type: 'first' }, { type: 'second' }], parts))).rejects.toMatchObject({
    code: 120,
    message: 'NIC eth1: second ADD failed: not today',
  });
  expect(await world.links(pod)).toEqual([]);
  const undone = heard().filter(({ verb, ifname }) => verb === 'DEL' && ifname === 'net1-1');
  expect(undone.slice(0, 2).map(({ plugin }) => plugin)).toEqual(['second', 'first']);
  await expect(harness.call(chained('ADD', [{ type: 'nowhere' }], parts))).rejects.toThrow(
    /the delegate nowhere is in no directory of CNI_PATH/,
  );
  await expect(harness.call(chained('ADD', [{ mtu: 7 }], parts))).rejects.toThrow(
    "network tuned: plugin.metaPlugins[0] must be an object with the plugin's type",
  );
  const asked = networkCall('STATUS', 'tuned');
  const status = { ...asked, conf: { ...asked.conf, plugin: { metaPlugins: [{ type: 'nowhere' }] } } };
  await expect(harness.call(status)).rejects.toMatchObject({
    code: code.notAvailable,
    message: expect.stringContaining('delegate nowhere'),
  });
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, addresses: 0, masters: 0 });
});

test('STATUS and GC go to chained plugins that have them, and all that fail are told of', async () => {
  const answer = (name: string, number: number) =>
    `echo '{"cniVersion":"1.1.0","code":${number},"msg":"${name} is tired"}'; exit 1`;
  const tired = (name: string, number: number) =>
    world.delegate(
      name,
      `case "$CNI_COMMAND" in
VERSION) echo '{"cniVersion":"1.1.0","supportedVersions":["1.0.0","1.1.0"]}';;
STATUS) ${answer(name, number)};;
GC) ${answer(name, 999)};;
esac`,
    );
  const path = [tired('first', 51), tired('second', 50), tired('third', 51), pluginDirectory];
  const ask = (verb: 'STATUS' | 'GC', ...types: readonly string[]) => {
    const call = networkCall(verb, 'tuned', verb === 'GC' ? [] : undefined);
    const plugin = { metaPlugins: types.map((type) => ({ type })) };
    return harness.call({ ...call, path, conf: { ...call.conf, cniVersion: '1.1.0', plugin } });
  };
  await expect(ask('STATUS', 'first', 'second')).rejects.toMatchObject({
    code: code.notAvailable,
    message: expect.stringMatching(/first STATUS failed: first is tired; .*second STATUS failed: second is tired/),
  });
  await expect(ask('STATUS', 'first', 'third')).rejects.toMatchObject({ code: code.limitedConnectivity });
  const outcome: unknown = await ask('GC', 'first', 'second').catch((error: unknown) => error);
  for (const nic of ['eth1', 'eth2']) {
    for (const name of ['first', 'second']) {
      expect(String(outcome)).toContain(`NIC ${nic}: ${name} GC failed: ${name} is tired`);
    }
  }
});
