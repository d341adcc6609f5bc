import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { code } from '../../../src/api/cni-error.ts';
import type { MultiNicNetworkSpec } from '../../../src/api/kinds/multinicnetwork.ts';
import { parseNetwork } from '../../../src/api/network-gate.ts';
import { parseCall } from '../../../src/cni/call.ts';
import type { Call, CniResult } from '../../../src/cni/types.ts';
import { formatInterfaceAddress } from '../../../src/net/prefix.ts';
import { nadConfig } from '../../../src/operator/nads/nad.ts';
import type { Harness } from '../../support/attach/client.ts';
import { createWorld, plansText, pluginDirectory, stampNow, type World } from '../../support/attach/world.ts';
import { type Kubelet, startKubelet } from '../../support/kubelet.ts';

// There are no virtual functions here. What the real plugins are called with is held against vectors, to the last key; the recording
// plugin then makes a macvlan link in the place of the device, so that all else is as with a real one.
interface Vector {
  readonly title: string;
  readonly plugin: MultiNicNetworkSpec['plugin'];
  /** Keys of the delegate's stdin beside name, ipam and what tells the device. */
  readonly keys: Readonly<Record<string, unknown>>;
  /** Verbs that reach the delegate. */
  readonly verbs: readonly string[];
  readonly resultVersion: string;
}
const vectors: readonly Vector[] = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../data/delegates/sriov.json'), 'utf8'),
);

/** Two physical functions, the virtual ones of each, and an auxiliary device of the second. */
const devices = { eth1: { pciAddress: '0000:3b:00.0' }, eth2: { pciAddress: '0000:5e:00.0' } };
const physical = (address: string) => `DRIVER=x\nPCI_SLOT_NAME=${address}\n`;
const sysfs = {
  'bus/pci/devices/0000:3b:02.0/physfn/uevent': physical('0000:3b:00.0'),
  'bus/pci/devices/0000:3b:02.1/physfn/uevent': physical('0000:3b:00.0'),
  'bus/pci/devices/0000:5e:02.0/physfn/uevent': physical('0000:5e:00.0'),
  'bus/auxiliary/devices/mlx5_core.sf.2/../uevent': physical('0000:5e:00.0'),
};
const blocks = { eth1: ['10.5.1.64/27'], eth2: ['10.5.2.64/27'] };
const fixed = (address: string) => ({ type: 'static', addresses: [{ address }] });
const resource = 'openshift.io/fast';
const given = (name: string, ...ids: string[]) => ({
  namespace: 'default',
  name,
  devices: [{ resource: 'nvidia.com/gpu', id: 'GPU-1' }, ...ids.map((id) => ({ resource, id }))],
});

let world: World;
let kubelet: Kubelet;
let harness: Harness;
let plugins: string;
beforeAll(async () => {
  world = createWorld(2);
  const socket = join(world.folder, 'kubelet.sock');
  kubelet = await startKubelet(socket);
  plugins = world.delegate('sriov', recording('sriov'));
  const rdma = world.delegate('rdma', recordingChained);
  world.exec(world.host, 'cp', join(rdma, 'rdma'), plugins);
  const hostDevice = world.delegate('host-device', recording('host-device'));
  world.exec(world.host, 'cp', join(hostDevice, 'host-device'), plugins);
  harness = await world.start({
    plans: plansText([
      { network: 'fast', delegation: { pluginType: 'sriov', binding: 'deviceID' }, blocks },
      { network: 'other', delegation: { pluginType: 'sriov', binding: 'deviceID' }, blocks },
      {
        network: 'by-nic',
        delegation: { pluginType: 'sriov', binding: 'deviceID' },
        blocks,
        ipam: { kind: 'per-master', configs: { eth1: fixed('10.7.1.5/24'), eth2: fixed('10.7.2.5/24') } },
      },
      { network: 'mlx', delegation: { pluginType: 'mellanox', binding: 'deviceID' }, blocks },
    ]),
    devices,
    sysfs,
    podResources: socket,
  });
});
afterAll(async () => {
  await kubelet.close();
  await world.end();
});
beforeEach(() => {
  for (const name of ['sriov', 'host-device', 'rdma']) rmSync(join(plugins, `${name}.log`), { force: true });
  rmSync(join(plugins, 'order'), { force: true });
});

/** Keeps environment and stdin, a line for each call, and which plugin came after which. */
const keeping = `in=$(cat)
[ "$CNI_COMMAND" = VERSION ] && { echo '{"cniVersion":"1.0.0","supportedVersions":["0.3.0","0.3.1","0.4.0","1.0.0"]}'; exit 0; }
printf '{"verb":"%s","container":"%s","netns":"%s","ifname":"%s","args":"%s","path":"%s","stdin":%s}\\n' \
  "$CNI_COMMAND" "$CNI_CONTAINERID" "$CNI_NETNS" "$CNI_IFNAME" "$CNI_ARGS" "$CNI_PATH" "$in" >> "$0.log"
echo "$CNI_COMMAND $CNI_IFNAME \${0##*/}" >> "\${0%/*}/order"`;

/** Answers what it was given, as a chained plugin that changes nothing; prevResult is the last key. */
const recordingChained = `${keeping}
[ "$CNI_COMMAND" = ADD ] && printf %s "$in" | sed 's/.*"prevResult"://; s/}$//'
exit 0`;

/** Has macvlan do the work. */
function recording(type: string): string {
  return `${keeping}
[ "$CNI_COMMAND" = DEL ] && [ -e "$0.broken" ] && { echo '{"code":100,"msg":"made to fail"}'; exit 1; }
# A whole NIC can be moved here, under the name that it has.
case "$in" in *'"pciBusID":"0000:3b:00.0"'*)
  printf %s "$in" | sed 's/"pciBusID":"0000:3b:00.0"/"device":"eth1"/' | ${pluginDirectory}/host-device; exit;;
esac
printf %s "$in" | sed 's/"type":"${type}"/"type":"macvlan","master":"eth1","mode":"bridge"/' | ${pluginDirectory}/macvlan`;
}

interface Recorded {
  readonly verb: string;
  readonly container: string;
  readonly netns: string;
  readonly ifname: string;
  readonly args: string;
  readonly path: string;
  readonly stdin: Readonly<Record<string, unknown>>;
}

/** Calls of one verb, by interface: delegates run side by side. */
function recorded(verb: string, plugin = 'sriov'): Recorded[] {
  const file = join(plugins, `${plugin}.log`);
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  return lines
    .map((line): Recorded => JSON.parse(line))
    .filter((one) => one.verb === verb)
    .toSorted((a, b) => (a.ifname < b.ifname ? -1 : 1));
}

/** The configuration that the operator writes into the NAD. */
function nadOf(network: string, plugin: MultiNicNetworkSpec['plugin']): object {
  const spec: MultiNicNetworkSpec = { subnet: '10.5.0.0/16', ipam: '{"type":"multi-nic-ipam","hostBlock":6}', plugin };
  const parsed = parseNetwork({
    apiVersion: 'multinic.fms.io/v1',
    kind: 'MultiNicNetwork',
    metadata: { name: network },
    spec,
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return JSON.parse(nadConfig(parsed.value, spec, [], [resource]));
}

/** A call as the shim hands it over. */
function callOf(verb: string, pod: string, netns: string, conf: object): Call {
  return parseCall({
    environment: {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: `sandbox-${pod}`,
      CNI_NETNS: netns,
      CNI_IFNAME: 'net1',
      CNI_PATH: `${plugins}:${pluginDirectory}`,
      CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod};K8S_POD_UID=uid`,
    },
    stdin: JSON.stringify(conf),
    stamp: stampNow(),
  });
}

test.each(vectors)('sriov: $title', async ({ title, plugin, keys, verbs, resultVersion }) => {
  const pod = title.replaceAll(/\W+/g, '-');
  kubelet.give([given('another', '0000:3b:02.1'), given(pod, '0000:5e:02.0', '0000:3b:02.0')]);
  const netns = world.pod();
  const nad = nadOf('fast', plugin);
  // As Multus does for a NAD with a resource: the first device of the pod.
  const conf = { ...nad, deviceID: '0000:3b:02.0', pciBusID: '0000:3b:02.0' };
  const result = await harness.call(callOf('ADD', pod, netns, conf));
  const added = recorded('ADD');
  const expected = [
    { ifname: 'net1', deviceID: '0000:3b:02.0', net: 'eth1' },
    { ifname: 'net1-1', deviceID: '0000:5e:02.0', net: 'eth2' },
  ].map(({ ifname, deviceID }, index) => ({
    verb: 'ADD',
    container: `sandbox-${pod}`,
    netns,
    ifname,
    args: `IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod};K8S_POD_UID=uid`,
    path: `${plugins}:${pluginDirectory}`,
    stdin: {
      ...keys,
      name: 'fast',
      type: 'sriov',
      deviceID,
      ipam: { type: 'static', addresses: [{ address: result?.ips[index]?.address }] },
    },
  }));
  expect(added).toEqual(expected);
  expect(result?.ips.map(({ address }) => address.replace(/\.\d+\//, '.x/'))).toEqual(['10.5.1.x/24', '10.5.2.x/24']);
  const { records } = await harness.look();
  expect(records.flatMap(({ masters }) => masters)).toEqual([
    { nic: '0000:3b:02.0', kind: 'sriov', mode: '', exclusive: true },
    { nic: '0000:5e:02.0', kind: 'sriov', mode: '', exclusive: true },
  ]);

  if (verbs.includes('CHECK'))
    await harness.call(callOf('CHECK', pod, netns, { ...conf, prevResult: printed(result, plugin) }));
  await harness.call(callOf('DEL', pod, netns, conf));
  for (const verb of ['CHECK', 'DEL']) {
    const calls = recorded(verb);
    expect(calls).toHaveLength(verbs.includes(verb) ? 2 : 0);
    for (const [index, { stdin }] of calls.entries()) {
      const { prevResult, ...rest } = stdin;
      expect(rest).toEqual(expected[index]?.stdin);
      if (resultVersion === '') expect(prevResult).toBeUndefined();
      else
        expect(prevResult).toMatchObject({
          cniVersion: resultVersion,
          ips: [{ address: result?.ips[index]?.address }],
        });
    }
  }
  expect(await world.links(netns)).toEqual([]);
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, addresses: 0, masters: 0 });
});

/** As a runtime keeps it, in the version of the network. */
function printed(result: CniResult | undefined, { cniVersion }: MultiNicNetworkSpec['plugin']): object {
  return { cniVersion, ...result };
}

test('two virtual functions of one NIC: an address of its block for each; nics takes few, over many NICs, that of Multus first', async () => {
  kubelet.give([given('many', '0000:3b:02.0', '0000:3b:02.1', '0000:5e:02.0')]);
  const plugin = { cniVersion: '1.0.0', type: 'sriov', args: {} };
  const netns = world.pod();
  const all = await harness.call(callOf('ADD', 'many', netns, nadOf('fast', plugin)));
  expect(recorded('ADD').map(({ stdin }) => stdin['deviceID'])).toEqual([
    '0000:3b:02.0',
    '0000:5e:02.0',
    '0000:3b:02.1',
  ]);
  const own = all?.ips.map(({ address }) => address) ?? [];
  expect(own.map((address) => address.slice(0, 7))).toEqual(['10.5.1.', '10.5.2.', '10.5.1.']);
  expect(new Set(own).size).toBe(3);
  await harness.call(callOf('DEL', 'many', netns, nadOf('fast', plugin)));

  const few = { ...nadOf('fast', plugin), args: { cni: { nics: 2 } }, deviceID: '0000:3b:02.1' };
  rmSync(join(plugins, 'sriov.log'));
  await harness.call(callOf('ADD', 'many', netns, few));
  expect(recorded('ADD').map(({ stdin }) => stdin['deviceID'])).toEqual(['0000:3b:02.1', '0000:5e:02.0']);

  // Another network of the same resource gets what is left, and then nothing.
  const second = (ifname: string): Call => {
    const call = callOf('ADD', 'many', netns, nadOf('other', plugin));
    return 'key' in call ? { ...call, key: { ...call.key, ifname } } : call;
  };
  await harness.call(second('net2'));
  expect(recorded('ADD').map(({ stdin }) => stdin['deviceID'])).toContain('0000:3b:02.0');
  await expect(harness.call(second('net3'))).rejects.toMatchObject({
    code: code.unsatisfiable,
    message: expect.stringMatching(
      /all devices of the pod are in use: 0000:3b:02.0 \(attachment other\/sandbox-many\/net2\)/,
    ),
  });
  await harness.call(callOf('DEL', 'many', netns, few));
  const last = second('net2');
  await harness.call('key' in last ? { ...last, verb: 'DEL', stamp: stampNow() } : last);
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, masters: 0 });
});

test('multi-config: each virtual function from the configuration of its NIC, in whatever order they come', async () => {
  kubelet.give([given('each', '0000:5e:02.0', '0000:3b:02.0')]);
  const conf = { ...nadOf('by-nic', { cniVersion: '1.0.0', type: 'sriov' }), deviceID: '0000:5e:02.0' };
  const netns = world.pod();
  const result = await harness.call(callOf('ADD', 'each', netns, conf));
  expect(recorded('ADD').map(({ stdin }) => [stdin['deviceID'], stdin['ipam']])).toEqual([
    ['0000:5e:02.0', fixed('10.7.2.5/24')],
    ['0000:3b:02.0', fixed('10.7.1.5/24')],
  ]);
  expect(result?.ips.map(({ address }) => address)).toEqual(['10.7.2.5/24', '10.7.1.5/24']);
  await harness.call(callOf('DEL', 'each', netns, conf));
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, masters: 0 });
});

test("a device that kubelet says of two pods at once is one pod's", async () => {
  kubelet.give([given('one', '0000:5e:02.0'), given('two', '0000:5e:02.0')]);
  const conf = nadOf('fast', { cniVersion: '1.0.0', type: 'sriov' });
  const pods = [
    { pod: 'one', netns: world.pod() },
    { pod: 'two', netns: world.pod() },
  ];
  const outcomes = await Promise.allSettled(
    pods.map(({ pod, netns }) => harness.call(callOf('ADD', pod, netns, conf))),
  );
  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  expect(recorded('ADD')).toHaveLength(1);
  for (const { pod, netns } of pods) await harness.call(callOf('DEL', pod, netns, conf));
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, masters: 0 });
});

test('DEL reaches sriov-cni though the namespace has gone, and again until it succeeds: it keeps books', async () => {
  kubelet.give([given('gone', '0000:3b:02.0')]);
  const conf = nadOf('fast', { cniVersion: '1.0.0', type: 'sriov', args: {} });
  const netns = world.pod();
  await harness.call(callOf('ADD', 'gone', netns, conf));
  world.namespaces.remove(netns);
  await harness.call(callOf('DEL', 'gone', '', conf));
  expect(recorded('DEL')).toMatchObject([{ netns: '', stdin: { deviceID: '0000:3b:02.0' } }]);
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, masters: 0 });

  const again = world.pod();
  await harness.call(callOf('ADD', 'gone', again, conf));
  const broken = join(plugins, 'sriov.broken');
  writeFileSync(broken, '');
  world.namespaces.remove(again);
  await expect(harness.call(callOf('DEL', 'gone', again, conf))).rejects.toThrow('NIC eth1: sriov DEL failed');
  expect((await harness.look()).counts).toMatchObject({ attachments: 1, masters: 1 });
  rmSync(broken);
  expect(await harness.retry()).toEqual([]);
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, masters: 0 });
});

test('DEL without a record: sriov-cni, which has one of its own, is asked for what the result lists', async () => {
  const conf = nadOf('fast', { cniVersion: '1.0.0', type: 'sriov', args: { vlan: '5' } });
  const netns = world.pod();
  const interfaces = [
    { name: 'vf-on-host' },
    { name: 'net1', sandbox: netns, mac: '02:00:00:00:00:01' },
    { name: 'net1-1', sandbox: netns, mac: '02:00:00:00:00:02' },
    { name: 'eth0', sandbox: netns, mac: '02:00:00:00:00:03' },
  ];
  await harness.call(callOf('DEL', 'lost', netns, { ...conf, prevResult: { cniVersion: '1.0.0', interfaces } }));
  expect(recorded('DEL').map(({ ifname, container, stdin }) => [ifname, container, stdin['vlan']])).toEqual([
    ['net1', 'sandbox-lost', 5],
    ['net1-1', 'sandbox-lost', 5],
  ]);
});

test('the MAC that the pod asks for goes to its first interface, and the answer names the virtual function', async () => {
  kubelet.give([given('asks', '0000:3b:02.0', '0000:5e:02.0')]);
  const conf = {
    ...nadOf('fast', { cniVersion: '1.0.0', type: 'sriov' }),
    runtimeConfig: { mac: '02:11:22:33:44:55' },
  };
  const netns = world.pod();
  const result = await harness.call(callOf('ADD', 'asks', netns, conf));
  expect(recorded('ADD').map(({ stdin }) => stdin['mac'])).toEqual(['02:11:22:33:44:55', undefined]);
  expect(result?.interfaces.map(({ pciID }) => pciID)).toEqual(['0000:3b:02.0', '0000:5e:02.0']);
  await harness.call(callOf('DEL', 'asks', netns, conf));
});

test('rdma chained to sriov: told device and result of its own interface, after it on ADD, before it on DEL', async () => {
  kubelet.give([given('rdma', '0000:3b:02.0', '0000:5e:02.0')]);
  const conf = nadOf('fast', { cniVersion: '1.0.0', type: 'sriov', metaPlugins: [{ type: 'rdma' }] });
  const netns = world.pod();
  const result = await harness.call(callOf('ADD', 'rdma', netns, conf));
  const chained = [
    { ifname: 'net1', deviceID: '0000:3b:02.0' },
    { ifname: 'net1-1', deviceID: '0000:5e:02.0' },
  ];
  const expected = chained.map(({ ifname, deviceID }, index) => ({
    ifname,
    netns,
    stdin: {
      cniVersion: '1.0.0',
      name: 'fast',
      type: 'rdma',
      deviceID,
      prevResult: { interfaces: [{ name: ifname }], ips: [{ address: result?.ips[index]?.address }] },
    },
  }));
  expect(recorded('ADD', 'rdma')).toMatchObject(expected);
  await harness.call(
    callOf('CHECK', 'rdma', netns, { ...conf, prevResult: printed(result, { cniVersion: '1.0.0', type: '' }) }),
  );
  await harness.call(callOf('DEL', 'rdma', netns, conf));
  for (const verb of ['CHECK', 'DEL']) expect(recorded(verb, 'rdma')).toMatchObject(expected);
  const order = readFileSync(join(plugins, 'order'), 'utf8').trim().split('\n');
  for (const { ifname } of chained) {
    expect(order.filter((line) => line.includes(` ${ifname} `))).toEqual(
      ['ADD sriov', 'ADD rdma', 'CHECK sriov', 'CHECK rdma', 'DEL rdma', 'DEL sriov'].map((words) =>
        words.replace(' ', ` ${ifname} `),
      ),
    );
  }
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, masters: 0 });
});

test('mellanox: host-device on each of the devices, a PCI address or an auxiliary one', async () => {
  kubelet.give([given('mlx', '0000:3b:02.0', 'mlx5_core.sf.2')]);
  const conf = nadOf('mlx', { cniVersion: '0.3.1', type: 'mellanox' });
  const netns = world.pod();
  const result = await harness.call(callOf('ADD', 'mlx', netns, conf));
  // host-device makes the same without IPAM; the addresses are put for it.
  const held = (await world.links(netns)).map(({ addresses }) => addresses.find(({ scope }) => scope === 'global'));
  expect(held.map((one) => one && formatInterfaceAddress(one.address, one.prefix.length))).toEqual(
    result?.ips.map(({ address }) => address),
  );
  expect(recorded('ADD', 'host-device').map(({ stdin }) => stdin)).toEqual([
    { cniVersion: '0.3.1', name: 'mlx', type: 'host-device', pciBusID: '0000:3b:02.0' },
    {
      cniVersion: '0.3.1',
      name: 'mlx',
      type: 'host-device',
      runtimeConfig: { deviceID: 'mlx5_core.sf.2' },
    },
  ]);
  await harness.call(callOf('DEL', 'mlx', netns, conf));
  expect(recorded('DEL', 'host-device').map(({ ifname }) => ifname)).toEqual(['net1', 'net1-1']);
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, masters: 0 });
});

test('mellanox on a whole NIC: it is in the pod, alone, and comes back as it was', async () => {
  kubelet.give([given('whole', '0000:3b:00.0'), given('late', '0000:3B:00.0')]);
  const conf = nadOf('mlx', { cniVersion: '1.0.0', type: 'mellanox' });
  const onHost = () => world.exec(world.host, 'ip', '-o', 'link').match(/eth1[:@]/g) ?? [];
  const [one, two] = [world.pod(), world.pod()];
  const result = await harness.call(callOf('ADD', 'whole', one, conf));
  expect((await world.links(one)).map(({ name, mac }) => ({ name, mac }))).toEqual([
    { name: 'net1', mac: result?.interfaces[0]?.mac },
  ]);
  expect(result?.interfaces.map(({ pciID }) => pciID)).toEqual(['0000:3b:00.0']);
  expect(onHost()).toEqual([]);
  expect((await harness.look()).records.flatMap(({ masters }) => masters)).toMatchObject([
    { nic: 'eth1', kind: 'mellanox', exclusive: true },
  ]);
  await expect(harness.call(callOf('ADD', 'late', two, conf))).rejects.toMatchObject({
    code: code.unsatisfiable,
    message: expect.stringContaining('0000:3B:00.0 (attachment mlx/sandbox-whole/net1)'),
  });
  await harness.call(
    callOf('CHECK', 'whole', one, { ...conf, prevResult: printed(result, { cniVersion: '1.0.0', type: '' }) }),
  );
  await harness.call(callOf('DEL', 'whole', one, conf));
  expect(onHost()).toHaveLength(1);
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, masters: 0 });
});

test('what is not there is told of, and nothing is attached', async () => {
  kubelet.give([given('bare'), given('far', '0000:ff:02.0')]);
  const conf = nadOf('fast', { cniVersion: '1.0.0', type: 'sriov', args: {} });
  const netns = world.pod();
  const refusal = async (pod: string, more: object = {}) =>
    harness.call(callOf('ADD', pod, netns, { ...conf, ...more })).then(
      () => 'attached',
      (error: unknown) => (error instanceof Error ? error.message : ''),
    );
  expect(await refusal('bare')).toBe(
    `network "fast": kubelet has given pod default/bare no device of ${resource}: ask for it in a container's resources.limits, for example {${resource}: 1}`,
  );
  expect(await refusal('far')).toContain('0000:ff:02.0 (is no NIC of the pool, nor a virtual function of one)');
  expect(await refusal('bare', { resourceNames: [] })).toContain('names no device and no resourceNames');
  // By hand, without kubelet's word: what is handed over is enough.
  kubelet.give([]);
  const byHand = { ...conf, resourceNames: [], deviceID: '0000:3b:02.0' };
  await harness.call(callOf('ADD', 'bare', netns, byHand));
  await harness.call(callOf('DEL', 'bare', netns, byHand));
  await kubelet.close();
  expect(await refusal('bare')).toMatch(/kubelet does not say at .*kubelet.sock which devices pods have/);
  await harness.call(callOf('ADD', 'bare', netns, { ...conf, deviceID: '0000:3b:02.0' }));
  await harness.call(callOf('DEL', 'bare', netns, conf));
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, masters: 0 });
  kubelet = await startKubelet(join(world.folder, 'kubelet.sock'));
});
