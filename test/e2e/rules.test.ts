import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from '../../src/api/config-gate.ts';
import { type Config, config as configKind } from '../../src/api/kinds/config.ts';
import { kinds } from '../../src/api/kinds/index.ts';
import { type MultiNicNetwork, multiNicNetwork } from '../../src/api/kinds/multinicnetwork.ts';
import { parseNetwork } from '../../src/api/network-gate.ts';
import { trusted } from '../../src/kube/calls/json.ts';
import { crdOf } from '../../tools/generate/crds.ts';
import { accessFrom, KubeRest } from '../support/kube-rest.ts';
import { until } from '../support/kube-suite.ts';
import { type Alone, startAlone } from './control-plane/alone.ts';
import { realOrSkip } from './real.ts';

// The rules in CEL that only a real server knows: they judge our fields, and never stand between a stored object and its end.
const real = realOrSkip();
const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const networks = '/apis/multinic.fms.io/v1/multinicnetworks';
const configs = '/apis/multinic.fms.io/v1/configs';
let alone: Alone | undefined;
let rest: KubeRest;

const plugin = { cniVersion: '1.0.0', type: 'ipvlan' };
const addressing = { interfaceBlock: 2, hostBlock: 6 };
const network = (name: string, spec: object) => ({
  apiVersion: 'multinic.fms.io/v1',
  kind: 'MultiNicNetwork',
  metadata: { name },
  spec: { plugin, ...spec },
});
const chained = (...metaPlugins: object[]) => ({ ...pool, plugin: { ...plugin, metaPlugins } });
const pool = { subnet: '10.0.0.0/8', addressing };
const config = (spec: object) => ({
  apiVersion: 'multinic.fms.io/v1',
  kind: 'Config',
  metadata: { name: 'one' },
  spec,
});
const routes = (dst: string, gw?: string) => ({ subnet: '10.0.0.0/8', addressing: { routes: [{ dst, gw }] } });

/** Breaks most rules at once: what an object may look like that was stored before there were any. */
const old = network('old', {
  ipam: '{}',
  addressing: { interfaceBlock: 31, hostBlock: 31, excludeCIDRs: ['x'], vlanMode: 'l7', routes: [{ dst: 'y' }] },
  subnet: '10.0.0.0/16',
  subnets: ['10.1.0.0/16', '10.2.0.0/16', 'z'],
  plugin: {
    ...plugin,
    metaPlugins: [
      { name: 'x', runtimeConfig: {} },
      { type: '../x', capabilities: { mac: true } },
    ],
  },
});

/** The schema as it would be without rules, bounds and enums, and where other fields may be, with none that it names. */
function lenient(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(lenient);
  if (typeof node !== 'object' || node === null) return node;
  const open = 'x-kubernetes-preserve-unknown-fields' in node ? ['properties'] : [];
  const bounds = ['x-kubernetes-validations', 'maxItems', 'maxLength', 'minimum', 'maximum', 'enum'];
  return Object.fromEntries(
    Object.entries(node)
      .filter(([key]) => ![...bounds, ...open].includes(key))
      .map(([key, value]) => [key, lenient(value)]),
  );
}

beforeAll(async () => {
  if (real === undefined) return;
  alone = await startAlone(real);
  rest = new KubeRest(accessFrom(alone.kubeconfig));
  const path = `${crds}/multinicnetworks.multinic.fms.io`;
  expect(await rest.post(crds, lenient(crdOf(multiNicNetwork)))).toMatchObject({ code: 201 });
  expect(await rest.post(crds, crdOf(configKind))).toMatchObject({ code: 201 });
  await until(
    () => rest.post(networks, old),
    ({ code }) => code === 201,
  );
  const { spec } = Object(crdOf(multiNicNetwork));
  expect(await rest.patch(path, { spec })).toMatchObject({ code: 200 });
  await until(
    () => rest.post(`${networks}?dryRun=All`, { ...old, metadata: { name: 'new' } }),
    ({ code }) => code === 422,
  );
  await until(
    () => rest.get(configs),
    ({ code }) => code === 200,
  );
});
afterAll(() => alone?.close());

test.each([
  ['a subnet and bits', { subnet: '192.168.0.0/16', addressing }],
  ['dual stack', { subnets: ['192.168.0.0/16', 'fd00:10::/48'], addressing }],
  ['all bits used', { subnet: '192.168.0.0/24', addressing }],
  ['routes and excludes', { ...routes('10.20.0.0/16', '10.0.0.1'), subnet: '10.0.0.0/8' }],
  ['excludes', { subnet: '10.0.0.0/8', addressing: { excludeCIDRs: ['10.1.0.0/16', '10.0.0.9', 'fd00::/64'] } }],
  ['ipam as text, judged in conditions', { subnet: 'rubbish', ipam: 'rubbish', masterNets: ['rubbish'] }],
  [
    'chained plugins with fields of their own',
    chained({ type: 'tuning', mtu: 9000 }, { type: 'sbr', capabilities: { bandwidth: true } }),
  ],
  ['a gateway of the subnet', { ...routes('10.20.0.0/16', '10.9.0.1'), plugin: { ...plugin, type: 'macvlan' } }],
  ['a gateway of the hosts', { ...routes('10.20.0.0/16', '11.0.0.1'), plugin: { ...plugin, args: { mode: 'l3' } } }],
  ['one mode in both places', { ...pool, addressing: { vlanMode: 'l3' }, plugin: { ...plugin, args: { mode: 'l3' } } }],
  ['sbr of a routed network', { ...chained({ type: 'sbr' }), addressing: { vlanMode: 'l3', sourceRouting: true } }],
  [
    'a policy that is not supported yet, judged in conditions',
    { ...pool, attachPolicy: { strategy: 'costOpt', target: '?' } },
  ],
  ['what the predecessor took', { subnet: '', ipam: '{"type":"whereabouts"}', multiNICIPAM: false }],
])('taken: %s', async (_, spec) => {
  const { code, body } = await rest.post(`${networks}?dryRun=All`, network('good', spec));
  expect({ code, message: body.message }).toEqual({ code: 201, message: undefined });
});

test.each(exampleNetworks())('taken: the example %s', async (_, example) => {
  const { code, body } = await rest.post(`${networks}?dryRun=All`, example);
  expect({ code, message: body.message }).toEqual({ code: 201, message: undefined });
});

/** Each by its file. */
function exampleNetworks(): [string, unknown][] {
  const cwd = join(import.meta.dirname, '../../examples');
  return globSync('*/network.yaml', { cwd }).map((file) => [file, parse(readFileSync(join(cwd, file), 'utf8'))]);
}

test.each([
  ['neither ipam nor addressing', { subnet: '10.0.0.0/8' }, 'spec.addressing', 'exactly one of ipam'],
  ['both', { subnet: '10.0.0.0/8', ipam: '{}', addressing }, 'spec.addressing', 'exactly one of ipam'],
  ['subnet and subnets', { subnet: '10.0.0.0/8', subnets: ['10.0.0.0/8'], addressing }, 'spec.subnets', 'exclude each'],
  ['one bit too many', { subnet: '10.0.0.0/25', addressing }, 'spec.addressing', 'need more bits than the subnet'],
  ['one bit too many, IPv6', { subnets: ['fd00::/121'], addressing }, 'spec.addressing', 'need more bits'],
  ['32 bits', { subnet: '10.0.0.0/8', addressing: { hostBlock: 32 } }, 'spec.addressing.hostBlock', 'equal to 31'],
  ['one family twice', { subnets: ['10.0.0.0/8', '11.0.0.0/8'], addressing }, 'spec.subnets', 'one IPv4 and one IPv6'],
  ['no prefix', { subnets: ['10.0.0.0'], addressing }, 'spec.subnets', 'is a prefix without bits'],
  ['bits behind the length', { subnets: ['10.0.0.1/8'], addressing }, 'spec.subnets', 'is a prefix without bits'],
  [
    'an exclude',
    { subnet: '10.0.0.0/8', addressing: { excludeCIDRs: ['x'] } },
    'spec.addressing.excludeCIDRs[0]',
    'neither',
  ],
  ['a destination', routes('10.20.0.1/16'), 'spec.addressing.routes[0].dst', 'is no prefix'],
  ['a gateway', routes('10.20.0.0/16', 'gw'), 'spec.addressing.routes[0].gw', 'is no address'],
  ['families of a route', routes('10.20.0.0/16', 'fd00::1'), 'spec.addressing.routes[0].gw', 'of one family'],
  ['a mode', { subnet: '10.0.0.0/8', addressing: { vlanMode: 'l7' } }, 'spec.addressing.vlanMode', '"l2", "l3", "l3s"'],
  [
    'macvlan, routed',
    { subnet: '10.0.0.0/8', plugin: { ...plugin, type: 'macvlan' }, addressing: { vlanMode: 'l3' } },
    'spec.addressing.vlanMode',
    'macvlan works on layer 2',
  ],
  [
    'bridge, routed',
    { ...pool, plugin: { ...plugin, type: 'bridge' }, addressing: { vlanMode: 'l3s' } },
    'spec.addressing.vlanMode',
    'nor can any other but ipvlan',
  ],
  [
    'two modes',
    { ...pool, plugin: { ...plugin, args: { mode: 'l2' } }, addressing: { vlanMode: 'l3' } },
    'spec.addressing.vlanMode',
    'contradicts plugin.args.mode',
  ],
  ['no subnet', { addressing }, 'spec.subnet', 'addressing divides a subnet: give one'],
  ['loopback', { subnets: ['127.1.0.0/16'], addressing }, 'spec.subnets', 'no pod can carry addresses of'],
  ['link-local', { subnets: ['10.0.0.0/8', 'fe80::/9'], addressing }, 'spec.subnets', 'no pod can carry addresses of'],
  ['a gateway elsewhere', routes('10.20.0.0/16', '11.0.0.1'), 'spec.addressing.routes', 'reaches gateways in its own'],
  [
    'a gateway behind sbr',
    { ...chained({ type: 'sbr' }), ...routes('10.20.0.0/16', '10.0.0.1') },
    'spec.addressing.routes',
    'cannot be reached behind sbr',
  ],
  [
    'sourceRouting twice',
    { ...chained({ type: 'tuning' }, { type: 'sbr' }), addressing: { sourceRouting: true } },
    'spec.addressing.sourceRouting',
    'does what sbr',
  ],
  [
    'a chained plugin without type',
    chained({ mtu: 9000 }),
    'spec.plugin.metaPlugins[0].type',
    'name the chained plugin',
  ],
  [
    'a path',
    chained({ type: 'x' }, { type: '../x' }),
    'spec.plugin.metaPlugins[1].type',
    'no plugin that can be chained',
  ],
  ['ourselves', chained({ type: 'multi-nic' }), 'spec.plugin.metaPlugins[0].type', 'no plugin that can be chained'],
  ['a name', chained({ type: 'x', name: 'y' }), 'spec.plugin.metaPlugins[0].name', 'leave it out'],
  ['a version', chained({ type: 'x', cniVersion: '1.0.0' }), 'spec.plugin.metaPlugins[0].cniVersion', 'leave it out'],
  ['a result', chained({ type: 'x', prevResult: {} }), 'spec.plugin.metaPlugins[0].prevResult', 'leave it out'],
  [
    'an argument of the runtime',
    chained({ type: 'x', runtimeConfig: { mac: 'y' } }),
    'spec.plugin.metaPlugins[0].runtimeConfig',
    'leave it out',
  ],
  [
    'a capability of ours',
    chained({ type: 'x', capabilities: { bandwidth: true, mac: true } }),
    'spec.plugin.metaPlugins[0].capabilities.mac',
    'multinic gives it to the interfaces itself',
  ],
  ['a flag', { subnet: '10.0.0.0/8', multiNICIPAM: false, addressing }, 'spec.addressing', 'contradicts addressing'],
])('refused, by the gate too: %s', async (_, spec, field, words) => {
  const object = network('bad', spec);
  await expectRefusal(networks, object, field, words);
  expect(parseNetwork(trusted<MultiNicNetwork>(object)).ok).toBe(false);
});

test('refused: 65 chained plugins', async () => {
  const object = network('bad', chained(...Array.from({ length: 65 }, () => ({ type: 'x' }))));
  await expectRefusal(networks, object, 'spec.plugin.metaPlugins', 'at most 64 items');
});

async function expectRefusal(path: string, object: object, field: string, words: string): Promise<void> {
  const { code, body } = await rest.post(`${path}?dryRun=All`, object);
  expect(code).toBe(422);
  // Where the schema is broken too, the server adds that it did not look at every rule.
  expect(Object(body.details).causes).toContainEqual({
    field,
    reason: expect.any(String),
    message: expect.stringContaining(words),
  });
}

test.each([
  ['nothing', {}],
  [
    'all that is ours',
    {
      cooldown: '90s',
      delegateTimeout: '500ms',
      cniBinDir: '/opt/cni/bin',
      routeTables: { first: 256, last: 4_294_967_295 },
    },
  ],
  ['empty texts', { cooldown: '', delegateTimeout: '', cniBinDir: '' }],
  [
    "the predecessor's, judged in conditions",
    { logLevel: -1, daemon: { port: 0, imagePullPolicy: 'Sometimes' }, joinPath: 'x' },
  ],
])('a Config, taken: %s', async (_, spec) => {
  const { code, body } = await rest.post(`${configs}?dryRun=All`, config(spec));
  expect({ code, message: body.message }).toEqual({ code: 201, message: undefined });
});

test.each([
  ['a duration without unit', { cooldown: '60' }, 'spec.cooldown', 'write a number and a unit'],
  ['no duration', { delegateTimeout: 'soon' }, 'spec.delegateTimeout', 'write a number and a unit'],
  ['a relative path', { cniBinDir: 'opt/cni/bin' }, 'spec.cniBinDir', 'no absolute path'],
  ['a path that climbs', { cniBinDir: '/opt/../etc' }, 'spec.cniBinDir', 'no absolute path'],
  [
    "the kernel's tables",
    { routeTables: { first: 200, last: 300 } },
    'spec.routeTables',
    'give first and last, from 256 on',
  ],
  ['half a range', { routeTables: { first: 20_000 } }, 'spec.routeTables', 'give first and last'],
  ['a range that ends before it begins', { routeTables: { first: 300, last: 299 } }, 'spec.routeTables', 'give first'],
  [
    'numbers that are too large',
    { routeTables: { first: 300, last: 4_294_967_296 } },
    'spec.routeTables',
    'give first',
  ],
])('a Config, refused, by the gate too: %s', async (_, spec, field, words) => {
  await expectRefusal(configs, config(spec), field, words);
  expect(parseConfig(trusted<Config>(config(spec)), 'image').ok).toBe(false);
});

test('an object stored before there were rules takes metadata, finalizers and status, and goes', async () => {
  const path = `${networks}/old`;
  const marked = { metadata: { labels: { a: 'b' }, annotations: { c: 'd' }, finalizers: ['multinic.fms.io/network'] } };
  expect(await rest.patch(path, marked)).toMatchObject({ code: 200 });
  const { body: stored } = await rest.get(path);
  const condition = {
    type: 'Ready',
    status: 'False',
    reason: 'Invalid',
    message: 'x',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  };
  const written = await rest.put(`${path}/status`, { ...stored, status: { conditions: [condition] } });
  expect(written).toMatchObject({ code: 200, body: { status: { conditions: [condition] }, spec: old.spec } });
  expect(await rest.delete(path)).toMatchObject({ code: 200 });
  expect(await rest.patch(path, { metadata: { finalizers: null } })).toMatchObject({ code: 200 });
  expect(await rest.get(path)).toMatchObject({ code: 404 });
});

test('nothing in a plan is immutable to the API server: edits that would move blocks are judged in conditions', () => {
  expect(JSON.stringify(kinds.map((kind) => kind.spec))).not.toContain('oldSelf');
});
