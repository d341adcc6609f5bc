import { formatPrefix, overlaps, type Prefix, samePrefix } from '../net/prefix.ts';
import type { Nic } from './host.ts';
import type { Network } from './network.ts';

/** Why a network is not accepted beside what is there already. */
export type RelationReason =
  | 'SubnetOverlap'
  | 'OverlapsHostNetwork'
  | 'OverlapsClusterNetwork'
  | 'LinkKindConflict'
  | 'ModeConflict';

export interface RelationProblem {
  readonly reason: RelationReason;
  /** Names the other object, the value and what to do. */
  readonly message: string;
}

/** A network with the verdict it has: `accepted` when its present generation was accepted before. */
export interface Judged {
  readonly network: Network;
  readonly accepted: boolean;
}

/** One host's NICs, as far as they are known. */
export interface HostNics {
  readonly hostName: string;
  readonly nics: readonly Nic[];
}

/** A prefix that the cluster uses elsewhere; `what` names it, for example "the pod network of node a". */
export interface ClusterPrefix {
  readonly what: string;
  readonly prefix: Prefix;
}

/**
 * What speaks against a network beside the others. Of two that conflict the accepted one wins, of two that are not yet
 * judged the older (createdAt, then name). A network once accepted stays so: for it the answer is always empty.
 */
export function conflicts(
  self: Judged,
  others: readonly Judged[],
  hosts: readonly HostNics[],
  clusterPrefixes: readonly ClusterPrefix[] = [],
): RelationProblem[] {
  if (self.accepted) return [];
  const { network } = self;
  const stronger = others.filter((other) => other.network.uid !== network.uid && winsOver(other, network));
  return [
    ...network.subnets.flatMap((subnet) => [
      ...overlapWithHosts(network, subnet, hosts),
      ...overlapWithCluster(network, subnet, clusterPrefixes),
    ]),
    ...stronger.flatMap((other) => sharedSubnets(network, other.network, hosts)),
    ...sharedLinks(
      network,
      stronger.map((other) => other.network),
      hosts,
    ),
  ];
}

function winsOver({ network: other, accepted }: Judged, self: Network): boolean {
  if (accepted) return true;
  return other.createdAt === self.createdAt ? other.name < self.name : other.createdAt < self.createdAt;
}

/** A routed network finds its table by the source address alone: its subnet is its own on every host. */
function sharedSubnets(self: Network, other: Network, hosts: readonly HostNics[]): RelationProblem[] {
  return self.routed || other.routed || sharedNic(self, other, hosts) !== undefined ? overlapsOf(self, other) : [];
}

/** One problem for each kind or mode that others make on a NIC of the pool, however many networks make it. */
function sharedLinks(self: Network, others: readonly Network[], hosts: readonly HostNics[]): RelationProblem[] {
  const found = new Map<string, { readonly other: Network; readonly shared: string; readonly names: string[] }>();
  for (const other of others) {
    const makes = linkOf(other);
    if (!usesMaster(self) || !usesMaster(other) || makes === linkOf(self)) continue;
    const shared = sharedNic(self, other, hosts);
    if (shared === undefined) continue;
    const before = found.get(makes);
    if (before === undefined) found.set(makes, { other, shared, names: [`"${other.name}"`] });
    else before.names.push(`"${other.name}"`);
  }
  return [...found.values()].map(({ other, shared, names }) => linkProblem(self, other, shared, names));
}

/** What has to be the same on a NIC: the kind, and of ipvlan the mode. */
function linkOf({ pluginType, mode }: Network): string {
  return pluginType === 'ipvlan' ? `ipvlan ${mode}` : pluginType;
}

function linkProblem(self: Network, other: Network, shared: string, names: readonly string[]): RelationProblem {
  const them = `network${names.length > 1 ? 's' : ''} ${names.join(', ')}`;
  if (self.pluginType !== other.pluginType) {
    return {
      reason: 'LinkKindConflict',
      message: `network "${self.name}" makes ${self.pluginType} links on ${shared}, ${them} ${other.pluginType} links, and a NIC carries one kind: use plugin type ${other.pluginType}, or other NICs by masterNets`,
    };
  }
  return {
    reason: 'ModeConflict',
    message: `network "${self.name}" needs ipvlan mode ${self.mode} on ${shared}, ${them} ${other.mode}, and the mode belongs to the whole NIC: use mode ${other.mode}, or other NICs by masterNets`,
  };
}

/** What goes to a pod as a device of its own leaves the NIC to others; whether that device is the NIC, the host finds out. */
function usesMaster({ binding }: Network): boolean {
  return binding !== 'none' && binding !== 'deviceID';
}

function overlapsOf(self: Network, other: Network): RelationProblem[] {
  return self.subnets.flatMap((subnet) =>
    other.subnets
      .filter((theirs) => overlaps(subnet, theirs))
      .map((theirs) => ({
        reason: 'SubnetOverlap' as const,
        message: `subnet ${formatPrefix(subnet)} of network "${self.name}" overlaps ${formatPrefix(theirs)} of network "${other.name}": choose a prefix outside it`,
      })),
  );
}

/** Names a NIC that both pools contain, or undefined. Pools of which no host is known yet share what their lists allow. */
function sharedNic(a: Network, b: Network, hosts: readonly HostNics[]): string | undefined {
  for (const { hostName, nics } of hosts) {
    const nic = nics.find((one) => inPool(one, a) && inPool(one, b));
    if (nic !== undefined) return `NIC ${nic.name} of host ${hostName}`;
  }
  if (a.masterNets.length === 0 && b.masterNets.length === 0) return 'every NIC';
  const listed = (one: Network, net: Prefix) =>
    one.masterNets.length === 0 || one.masterNets.some((own) => samePrefix(own, net));
  const net = [...a.masterNets, ...b.masterNets].find((one) => listed(a, one) && listed(b, one));
  return net === undefined ? undefined : `NICs on ${formatPrefix(net)}`;
}

function inPool(nic: Nic, { masterNets }: Network): boolean {
  if (nic.addresses.length === 0) return false;
  return (
    masterNets.length === 0 || nic.addresses.some(({ prefix }) => masterNets.some((net) => samePrefix(net, prefix)))
  );
}

/** One problem for each NIC network, however many hosts are on it. */
function overlapWithHosts(self: Network, subnet: Prefix, hosts: readonly HostNics[]): RelationProblem[] {
  const found = new Map<string, string>();
  for (const { hostName, nics } of hosts) {
    for (const nic of nics) {
      for (const { prefix } of nic.addresses) {
        const text = formatPrefix(prefix);
        if (overlaps(prefix, subnet) && !found.has(text)) found.set(text, `NIC ${nic.name} of host ${hostName}`);
      }
    }
  }
  return [...found].map(([text, where]) => ({
    reason: 'OverlapsHostNetwork',
    message: `subnet ${formatPrefix(subnet)} of network "${self.name}" overlaps ${text}, the network of ${where}: choose a prefix outside it`,
  }));
}

/** One problem, however many Nodes have their pods in the subnet. */
function overlapWithCluster(self: Network, subnet: Prefix, prefixes: readonly ClusterPrefix[]): RelationProblem[] {
  const [first, ...more] = prefixes.filter(({ prefix }) => overlaps(prefix, subnet));
  if (first === undefined) return [];
  const others = more.length === 0 ? '' : ` (and ${more.length} more prefixes that the cluster uses)`;
  return [
    {
      reason: 'OverlapsClusterNetwork',
      message: `subnet ${formatPrefix(subnet)} of network "${self.name}" overlaps ${formatPrefix(first.prefix)}, ${first.what}${others}: choose a prefix outside it`,
    },
  ];
}
