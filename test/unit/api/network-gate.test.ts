import { describe, expect, it } from 'vitest';
import { cniVersions } from '../../../src/api/gate-plugin.ts';
import type { MultiNicNetworkSpec } from '../../../src/api/kinds/multinicnetwork.ts';
import { parseNetwork } from '../../../src/api/network-gate.ts';
import { supportedVersions } from '../../../src/cni/types.ts';
import { parseAddress } from '../../../src/net/address.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';
import { networkObject } from '../../support/networks.ts';

const ipam = (fields: Record<string, unknown>) =>
  JSON.stringify({ type: 'multi-nic-ipam', hostBlock: 6, interfaceBlock: 2, ...fields });
const ipvlan = (args: Record<string, string> = {}) => ({ cniVersion: '0.3.0', type: 'ipvlan', args });
const macvlan = (args: Record<string, string> = {}) => ({ cniVersion: '0.3.0', type: 'macvlan', args });

function problemsOf(spec: Partial<MultiNicNetworkSpec>): string[] {
  const parsed = parseNetwork(networkObject(spec));
  return parsed.ok ? [] : parsed.problems.map(({ path, message }) => `${path}: ${message}`);
}

function valueOf(spec: Partial<MultiNicNetworkSpec>) {
  const parsed = parseNetwork(networkObject(spec));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.value;
}

/** The quick start without `ipam` and its flag. */
function typed(spec: Partial<MultiNicNetworkSpec>): ReturnType<typeof networkObject> {
  const object = networkObject(spec);
  delete object.spec?.ipam;
  delete object.spec?.multiNICIPAM;
  return object;
}

describe('parseNetwork', () => {
  it("reads the predecessor's quick start", () => {
    expect(valueOf({ masterNets: ['10.1.0.0/24', '10.1.1.0/24', '10.1.0.0/24'] })).toEqual({
      name: 'multi-nic-sample',
      uid: 'uid-multi-nic-sample',
      generation: 1,
      createdAt: Date.UTC(2026, 0, 1),
      cniVersion: '0.3.0',
      pluginType: 'ipvlan',
      binding: 'master',
      mode: 'l3',
      routed: true,
      ipam: { kind: 'pool' },
      pluginArgs: {},
      subnets: [parsePrefix('192.168.0.0/16')],
      hostBlock: 6,
      interfaceBlock: 2,
      excludes: [],
      routes: [],
      sourceRouting: false,
      masterNets: [parsePrefix('10.1.0.0/24'), parsePrefix('10.1.1.0/24')],
      strategy: 'none',
      namespaces: [],
    });
  });

  it('reads the typed form as the same network', () => {
    const addressing = { hostBlock: 6, interfaceBlock: 2, vlanMode: 'l3' as const };
    expect(parseNetwork(typed({ addressing }))).toEqual(parseNetwork(networkObject()));
  });

  it('reads excludes, routes, arguments and dual stack', () => {
    const object = networkObject({
      subnets: ['192.168.0.0/16', 'fd00::/48'],
      ipam: ipam({
        excludeCIDRs: ['192.168.0.64/26', '192.168.0.1', 'fd00::5'],
        routes: [
          { dst: '10.0.0.0/8', gw: '192.168.0.9' },
          { dst: '10.0.0.0/8', gw: '192.168.64.9' },
          { dst: 'fd01::/64' },
        ],
        sourceRouting: false,
        daemonPort: 11000,
      }),
      plugin: ipvlan({ mtu: '9000', mode: 'l2' }),
      namespaces: ['team-a', 'team-a', 'b'],
    });
    delete object.spec?.subnet;
    const parsed = parseNetwork(object);
    expect(parsed.ok && parsed.value).toMatchObject({
      subnets: [parsePrefix('192.168.0.0/16'), parsePrefix('fd00::/48')],
      excludes: ['192.168.0.64/26', '192.168.0.1/32', 'fd00::5/128'].map(parsePrefix),
      routes: [
        { dst: parsePrefix('10.0.0.0/8'), gw: parseAddress('192.168.0.9') },
        { dst: parsePrefix('10.0.0.0/8'), gw: parseAddress('192.168.64.9') },
        { dst: parsePrefix('fd01::/64') },
      ],
      sourceRouting: false,
      pluginArgs: { mtu: '9000' },
      namespaces: ['team-a', 'b'],
    });
  });

  it.each([
    [ipvlan({ mode: 'l3' }), 'l3', 'l3', true],
    [ipvlan(), 'l3s', 'l3s', true],
    [ipvlan({ mode: 'l3' }), undefined, 'l3', true],
    [ipvlan({ mode: 'l2' }), 'l2', 'l2', false],
    [ipvlan(), undefined, 'l2', false],
    [ipvlan(), '', 'l2', false],
    [macvlan(), undefined, 'bridge', false],
    [macvlan({ mode: 'vepa' }), 'l2', 'vepa', false],
  ])('has one mode: %j with vlanMode %j is %s', (plugin, vlanMode, mode, routed) => {
    expect(valueOf({ plugin, ipam: ipam({ vlanMode }) })).toMatchObject({ mode, routed });
  });

  it.each<[string, Partial<MultiNicNetworkSpec>, string]>([
    ['modes that differ', { plugin: ipvlan({ mode: 'l2' }) }, 'spec.plugin.args.mode: "l2" contradicts vlanMode "l3"'],
    ['l3 with macvlan', { plugin: macvlan() }, 'spec.plugin.type: macvlan works on layer 2'],
    ['l3s with macvlan', { plugin: macvlan(), ipam: ipam({ vlanMode: 'l3s' }) }, 'cannot be vlanMode l3s'],
    ['a mode of the other kind', { plugin: ipvlan({ mode: 'bridge' }) }, '"bridge" is no mode of ipvlan: l2, l3, l3s'],
    ['an unknown vlanMode', { ipam: ipam({ vlanMode: 'l4' }) }, 'spec.ipam.vlanMode: "l4" is unknown'],
    [
      'a CNI version from elsewhere',
      { plugin: { ...ipvlan(), cniVersion: '0.2.0' } },
      'spec.plugin.cniVersion: "0.2.0"',
    ],
    [
      'aws-ipvlan',
      { plugin: { ...ipvlan(), type: 'aws-ipvlan' } },
      '"aws-ipvlan" is not supported yet: use ipvlan, macvlan, bridge, tap, dummy',
    ],
    [
      'an unknown plugin',
      { plugin: { ...ipvlan(), type: 'foo' } },
      '"foo" is unknown: use ipvlan, macvlan, bridge, tap, dummy',
    ],
    [
      'a chained plugin without type',
      { plugin: { ...ipvlan(), metaPlugins: [{ type: 'tuning' }, { mtu: 9000 }] } },
      'spec.plugin.metaPlugins[1].type: is missing',
    ],
    [
      'a chained plugin that is a path',
      { plugin: { ...ipvlan(), metaPlugins: [{ type: '../tuning' }] } },
      'spec.plugin.metaPlugins[0].type: "../tuning" is no plugin that can be chained',
    ],
    [
      'itself in the chain',
      { plugin: { ...ipvlan(), metaPlugins: [{ type: 'multi-nic' }] } },
      'spec.plugin.metaPlugins[0].type: "multi-nic" is no plugin that can be chained',
    ],
    ...['name', 'cniVersion', 'prevResult', 'runtimeConfig'].map(
      (key): [string, Partial<MultiNicNetworkSpec>, string] => [
        `${key} of a chained plugin`,
        { plugin: { ...ipvlan(), metaPlugins: [{ type: 'tuning', [key]: {} }] } },
        `spec.plugin.metaPlugins[0].${key}: is not for chained plugins here: leave it out`,
      ],
    ),
    [
      'a capability of a chained plugin that is multinic’s',
      { plugin: { ...ipvlan(), metaPlugins: [{ type: 'tuning', capabilities: { mac: true, bandwidth: true } }] } },
      'spec.plugin.metaPlugins[0].capabilities.mac: is not for chained plugins: multinic gives it to the interfaces itself',
    ],
    ['an mtu that is none', { plugin: ipvlan({ mtu: '9k' }) }, 'spec.plugin.args.mtu: "9k" is no MTU'],
    ['an mtu that is too small', { plugin: ipvlan({ mtu: '67' }) }, '68 to 65535'],
    ['ipam without a type', { ipam: '{}', multiNICIPAM: false }, 'spec.ipam.type: undefined names no IPAM plugin'],
    [
      'a flag that contradicts',
      { multiNICIPAM: false },
      'spec.multiNICIPAM: false contradicts ipam type "multi-nic-ipam"',
    ],
    ['ipam that is no JSON', { ipam: '{' }, 'spec.ipam: is no JSON'],
    ['ipam that is no object', { ipam: '[]' }, 'spec.ipam: must be a JSON object'],
    ['ipam that is empty', { ipam: '' }, 'spec.addressing: is missing'],
    ['both forms', { addressing: {} }, 'spec.addressing: ipam and addressing exclude each other'],
    ['a key that is unknown', { ipam: ipam({ hostblock: 3 }) }, 'spec.ipam.hostblock: is not supported'],
    ['bits that are none', { ipam: ipam({ hostBlock: '6' }) }, 'spec.ipam.hostBlock: "6" is no number of bits'],
    ['negative bits', { ipam: ipam({ interfaceBlock: -1 }) }, 'spec.ipam.interfaceBlock: -1'],
    [
      'bits that do not fit',
      { ipam: ipam({ hostBlock: 15 }) },
      'interfaceBlock 2 and hostBlock 15 need 17 bits, 192.168.0.0/16 has 16',
    ],
    [
      'a subnet without usable address',
      { subnet: '192.168.0.0/30', ipam: ipam({ hostBlock: 0, interfaceBlock: 1 }) },
      'has no address that a pod could get',
    ],
    [
      'excludes that leave nothing',
      { ipam: ipam({ excludeCIDRs: ['192.0.0.0/8'] }) },
      'has no address that a pod could get',
    ],
    [
      'an exclude with host bits',
      { ipam: ipam({ excludeCIDRs: ['192.168.0.1/24'] }) },
      'spec.ipam.excludeCIDRs[0]: "192.168.0.1/24" has bits set behind its prefix length: write 192.168.0.0/24',
    ],
    ['an exclude that is none', { ipam: ipam({ excludeCIDRs: ['x'] }) }, 'spec.ipam.excludeCIDRs[0]'],
    ['excludes that are no list', { ipam: ipam({ excludeCIDRs: '10.0.0.0/8' }) }, 'must be a list of texts'],
    ['a route without dst', { ipam: ipam({ routes: [{ gw: '10.0.0.1' }] }) }, 'spec.ipam.routes[0].dst: is missing'],
    [
      'a gateway of the other family',
      { ipam: ipam({ routes: [{ dst: '10.0.0.0/8', gw: 'fd00::1' }] }) },
      'spec.ipam.routes[0].gw',
    ],
    [
      'a route by a gateway that pods have no link to',
      {
        ipam: ipam({
          vlanMode: 'l2',
          routes: [
            { dst: '10.0.0.0/8', gw: '10.9.9.9' },
            { dst: '11.0.0.0/8', gw: '192.168.0.9' },
          ],
        }),
        plugin: ipvlan(),
      },
      'spec.ipam.routes: gateways 10.9.9.9 are not in the subnet (192.168.0.0/16)',
    ],
    [
      'a route by a gateway that hosts have no NIC to',
      {
        ipam: ipam({ vlanMode: 'l3', routes: [{ dst: '10.0.0.0/8', gw: '192.168.0.9' }] }),
        plugin: ipvlan({ mode: 'l3' }),
        masterNets: ['10.1.0.0/24'],
      },
      'spec.ipam.routes: gateways 192.168.0.9 are not in masterNets (10.1.0.0/24)',
    ],
    [
      'routing by source twice',
      { ipam: ipam({ sourceRouting: true }), plugin: { ...ipvlan(), metaPlugins: [{ type: 'sbr' }] } },
      'spec.ipam.sourceRouting: does what sbr (spec.plugin.metaPlugins[0]) does',
    ],
    [
      'a route by a gateway behind sbr',
      {
        ipam: ipam({ vlanMode: 'l2', routes: [{ dst: '10.0.0.0/8', gw: '192.168.0.9' }, { dst: '11.0.0.0/8' }] }),
        plugin: { ...ipvlan(), metaPlugins: [{ type: 'tuning' }, { type: 'sbr' }] },
      },
      'spec.ipam.routes: gateways 192.168.0.9 cannot be reached behind sbr (spec.plugin.metaPlugins[1])',
    ],
    ['a route with more', { ipam: ipam({ routes: [{ dst: '10.0.0.0/8', mtu: 1 }] }) }, 'spec.ipam.routes[0].mtu'],
    [
      'a flag that is none',
      { ipam: ipam({ sourceRouting: 'yes' }) },
      'spec.ipam.sourceRouting: "yes" must be true or false',
    ],
    [
      'no subnet',
      { subnet: '' },
      "spec.subnet: is missing; pods with addresses from the NICs' own networks are not supported yet",
    ],
    ['both subnet fields', { subnets: ['fd00::/48'] }, 'spec.subnets: subnet and subnets exclude each other'],
    [
      'two subnets of a family',
      { subnet: '', subnets: ['10.0.0.0/8', '11.0.0.0/8'] },
      'spec.subnets[1]: 10.0.0.0/8 is IPv4 too',
    ],
    [
      'a subnet with host bits',
      { subnet: '192.168.1.0/16' },
      'spec.subnet: "192.168.1.0/16" has bits set behind its prefix length: write 192.168.0.0/16',
    ],
    ['a subnet in short form', { subnet: '10.1/16' }, 'spec.subnet: "10.1" is not an IP address'],
    ['a multicast subnet', { subnet: '224.0.0.0/8' }, 'overlaps 224.0.0.0/4, whose addresses no pod can carry'],
    ['masterNets that are none', { masterNets: ['10.1.0.0/24', '10.1.0.5/24'] }, 'spec.masterNets[1]'],
    [
      'a later strategy',
      { attachPolicy: { strategy: 'topology' } },
      'spec.attachPolicy.strategy: "topology" is not supported yet',
    ],
    ['an unknown strategy', { attachPolicy: { strategy: 'best' } }, '"best" is unknown'],
    ['a namespace that is none', { namespaces: ['ok', 'Not_ok'] }, 'spec.namespaces[1]: "Not_ok"'],
  ])('refuses %s', (_, spec, text) => {
    const problems = problemsOf(spec);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(text);
  });

  it('refuses a flag that says ours for a type that is not', () => {
    expect(problemsOf({ ipam: '{"type":"static"}' })).toEqual([
      'spec.multiNICIPAM: true contradicts ipam type "static": set it to false or leave it out',
    ]);
  });

  it('says everything that is wrong at once', () => {
    const problems = problemsOf({
      subnet: '192.168.1.0/16',
      ipam: ipam({ hostBlock: 99, excludeCIDRs: ['x', 'y'], vlanMode: 'l3' }),
      plugin: { cniVersion: '9', type: 'macvlan' },
      masterNets: ['z'],
      attachPolicy: { strategy: 'best' },
      namespaces: ['-'],
    });
    expect(problems.map((problem) => problem.slice(0, problem.indexOf(':'))).sort()).toEqual([
      'spec.attachPolicy.strategy',
      'spec.ipam.excludeCIDRs[0]',
      'spec.ipam.excludeCIDRs[1]',
      'spec.ipam.hostBlock',
      'spec.masterNets[0]',
      'spec.namespaces[0]',
      'spec.plugin.cniVersion',
      'spec.plugin.type',
      'spec.subnet',
    ]);
  });

  it('refuses an object without spec, and a name that fits no label', () => {
    const object = networkObject({}, 'n'.repeat(64));
    expect(parseNetwork(object)).toMatchObject({ ok: false, problems: [{ path: 'metadata.name' }] });
    delete object.spec;
    expect(parseNetwork({ ...object, metadata: { name: 'n' } })).toMatchObject({ problems: [{ path: 'spec' }] });
  });

  it('takes defaults: no attach policy, no modes, no bits', () => {
    const object = networkObject({
      ipam: '{"type":"multi-nic-ipam"}',
      plugin: { cniVersion: '1.1.0', type: 'ipvlan' },
    });
    delete object.spec?.attachPolicy;
    delete object.spec?.multiNICIPAM;
    expect(parseNetwork(object)).toMatchObject({
      ok: true,
      value: { strategy: 'none', mode: 'l2', hostBlock: 0, interfaceBlock: 0, routed: false },
    });
  });

  it('knows the CNI versions that are spoken', () => {
    expect(cniVersions).toEqual([...supportedVersions]);
  });
});
