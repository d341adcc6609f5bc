import { bitsOf, formatAddress } from '../net/address.ts';
import { containsAddress, formatPrefix, overlaps, type Prefix, parsePrefix } from '../net/prefix.ts';
import { usableInSubnet } from '../net/usable.ts';
import { delegateOf } from './delegations.ts';
import { Findings } from './findings.ts';
import { type Addressing, parseAddressing } from './gate-addressing.ts';
import { type PluginChoice, parsePlugin } from './gate-plugin.ts';
import type { MultiNicNetwork, MultiNicNetworkSpec } from './kinds/multinicnetwork.ts';
import type { Network, Strategy } from './network.ts';
import type { Parsed } from './problem.ts';
import { unusable } from './unusable.ts';

const strategies: readonly Strategy[] = ['none', 'costOpt', 'perfOpt', 'devClass', 'topology'];

/** Label values, and so network names that label pools, are at most this long. */
const nameLimit = 63;

/**
 * The one gate for MultiNicNetworks: a stored object (schema-checked by the API server, otherwise untrusted) becomes a
 * Network, or everything that is wrong with it in itself. What it may not do beside other networks: relations.ts.
 */
export function parseNetwork(object: MultiNicNetwork): Parsed<Network> {
  const findings = new Findings();
  const { metadata, spec } = object;
  if (metadata.name.length > nameLimit) {
    findings.add(
      'metadata.name',
      `has ${metadata.name.length} characters, at most ${nameLimit} fit a label: rename it`,
    );
  }
  if (spec === undefined) {
    findings.add('spec', 'is missing');
    return { ok: false, problems: findings.problems };
  }
  const addressing = parseAddressing(spec, findings);
  const pooled = addressing?.ipam.kind === 'pool';
  // The predecessor's samples have a subnet beside other IPAM plugins too, where it means nothing.
  const subnets = pooled || (addressing === undefined && hasSubnet(spec)) ? parseSubnets(spec, findings) : [];
  const plugin = parsePlugin(spec.plugin, addressing?.vlanMode, findings);
  const masterNets = findings.prefixes('spec.masterNets', spec.masterNets ?? []);
  const strategy = parseStrategy(spec.attachPolicy?.strategy, findings);
  checkNamespaces(spec.namespaces ?? [], findings);
  if (addressing !== undefined) for (const { path, subnet } of subnets) checkBits(path, subnet, addressing, findings);
  if (addressing !== undefined && plugin !== undefined) {
    const pods = subnets.map(({ subnet }) => subnet);
    const routed = plugin.mode === 'l3' || plugin.mode === 'l3s';
    checkGateways(addressing, routed ? masterNets : pods, routed ? 'masterNets' : 'the subnet', findings);
    checkOwnAddresses(addressing, plugin, findings);
    if (!routed) checkWithSbr(addressing, spec.plugin.metaPlugins ?? [], findings);
  }
  if (findings.problems.length > 0 || addressing === undefined || plugin === undefined) {
    return { ok: false, problems: findings.problems };
  }
  return {
    ok: true,
    value: {
      name: metadata.name,
      uid: metadata.uid ?? '',
      generation: metadata.generation ?? 0,
      createdAt: Date.parse(metadata.creationTimestamp ?? '') || 0,
      ...plugin,
      ipam: addressing.ipam,
      // Hosts can have routes to blocks that multinic gives out only.
      routed: pooled && (plugin.mode === 'l3' || plugin.mode === 'l3s'),
      subnets: subnets.map(({ subnet }) => subnet),
      hostBlock: addressing.hostBlock,
      interfaceBlock: addressing.interfaceBlock,
      excludes: addressing.excludes,
      routes: addressing.routes,
      sourceRouting: addressing.sourceRouting,
      masterNets,
      strategy,
      namespaces: [...new Set(spec.namespaces ?? [])],
    },
  };
}

interface SubnetField {
  readonly path: string;
  readonly subnet: Prefix;
}

function hasSubnet({ subnet = '', subnets = [] }: MultiNicNetworkSpec): boolean {
  return subnet !== '' || subnets.length > 0;
}

function parseSubnets(spec: MultiNicNetworkSpec, findings: Findings): SubnetField[] {
  const single = spec.subnet ?? '';
  const several = spec.subnets ?? [];
  if (single !== '' && several.length > 0) {
    findings.add('spec.subnets', 'subnet and subnets exclude each other: write all prefixes into subnets');
    return [];
  }
  if (single === '' && several.length === 0) {
    findings.add(
      'spec.subnet',
      "is missing; pods with addresses from the NICs' own networks are not supported yet: give a subnet, for example 192.168.0.0/16, or an IPAM plugin that needs none",
    );
    return [];
  }
  const texts =
    single === ''
      ? several.map((text, i) => [`spec.subnets[${i}]`, text] as const)
      : [['spec.subnet', single] as const];
  const fields = texts.flatMap(([path, text]) => {
    const subnet = findings.net(path, () => parsePrefix(text));
    return subnet === undefined ? [] : [{ path, subnet }];
  });
  for (const { path, subnet } of fields) checkRange(path, subnet, findings);
  const [first, second] = fields;
  if (first !== undefined && second !== undefined && first.subnet.family === second.subnet.family) {
    findings.add(
      second.path,
      `${formatPrefix(first.subnet)} is IPv${first.subnet.family} too: one subnet for each family`,
    );
  }
  return fields;
}

function checkRange(path: string, subnet: Prefix, findings: Findings): void {
  const hit = unusable.find((text) => overlaps(parsePrefix(text), subnet));
  if (hit === undefined) return;
  findings.add(
    path,
    `${formatPrefix(subnet)} overlaps ${hit}, whose addresses no pod can carry: choose another prefix`,
  );
}

function checkBits(path: string, subnet: Prefix, addressing: Addressing, findings: Findings): void {
  const { hostBlock, interfaceBlock, excludes } = addressing;
  const spare = bitsOf(subnet.family) - subnet.length;
  if (interfaceBlock + hostBlock > spare) {
    findings.add(
      addressing.path,
      `interfaceBlock ${interfaceBlock} and hostBlock ${hostBlock} need ${interfaceBlock + hostBlock} bits, ${formatPrefix(subnet)} has ${spare} behind its prefix: lower them or give a larger subnet`,
    );
  } else if (usableInSubnet(subnet, interfaceBlock, excludes) <= 0n) {
    findings.add(
      path,
      `${formatPrefix(subnet)} has no address that a pod could get, after excludeCIDRs and the first and last address of each of ${2 ** interfaceBlock} NIC networks: give a larger subnet or fewer excludes`,
    );
  }
}

/**
 * A pod reaches a gateway that is on its link (layer 2); on layer 3 its host does, by a NIC of the pool.
 * @param networks where gateways may be; empty: only the hosts know
 */
function checkGateways(
  { path, routes }: Addressing,
  networks: readonly Prefix[],
  which: string,
  findings: Findings,
): void {
  if (networks.length === 0) return;
  const unreachable = routes.flatMap(({ gw }) =>
    gw === undefined || networks.some((net) => containsAddress(net, gw)) ? [] : [formatAddress(gw)],
  );
  if (unreachable.length === 0) return;
  findings.add(
    `${path}.routes`,
    `gateways ${unreachable.join(', ')} are not in ${which} (${networks.map(formatPrefix).join(', ')}), so that nothing leads to them: name gateways there`,
  );
}

/** sbr takes a NIC's own routes out of the main table, and no route by way of a gateway can be added there without them. */
function checkWithSbr(
  { path, routes, sourceRouting }: Addressing,
  metaPlugins: readonly Readonly<Record<string, unknown>>[],
  findings: Findings,
): void {
  const index = metaPlugins.findIndex(({ type }) => type === 'sbr');
  if (index >= 0 && sourceRouting) {
    findings.add(
      `${path}.sourceRouting`,
      `does what sbr (spec.plugin.metaPlugins[${index}]) does, with tables of its own: leave out one of them`,
    );
  }
  const gateways = routes.flatMap(({ gw }) => (gw === undefined ? [] : [formatAddress(gw)]));
  if (index < 0 || gateways.length === 0) return;
  findings.add(
    `${path}.routes`,
    `gateways ${gateways.join(', ')} cannot be reached behind sbr (spec.plugin.metaPlugins[${index}]), which takes the NICs' routes out of the main table: leave out these routes, or sbr`,
  );
}

/** An address can only go along with the NIC itself. */
function checkOwnAddresses({ ipam }: Addressing, { pluginType, binding }: PluginChoice, findings: Findings): void {
  if (ipam.kind !== 'host-device' || binding === 'device' || delegateOf(pluginType) === 'host-device') return;
  findings.add(
    'spec.ipam',
    `host-device-ipam lets a NIC's own addresses go with it, but ${pluginType} leaves the NIC on the host: use plugin type host-device or mellanox, or another IPAM plugin`,
  );
}

function parseStrategy(text: string | undefined, findings: Findings): Strategy {
  if (text === undefined || text === '' || text === 'none') return 'none';
  const why = strategies.some((one) => one === text) ? 'is not supported yet' : 'is unknown';
  findings.add('spec.attachPolicy.strategy', `"${text}" ${why}: use none`);
  return 'none';
}

/** DNS labels of RFC 1123, as namespaces are named. */
function checkNamespaces(names: readonly string[], findings: Findings): void {
  names.forEach((name, index) => {
    if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) return;
    findings.add(
      `spec.namespaces[${index}]`,
      `"${name}" is no namespace name: lower-case letters, digits and "-", at most 63`,
    );
  });
}
