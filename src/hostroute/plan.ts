import type { Block, HostPlan, Nic } from '../api/host.ts';
import { type Address, type Family, formatAddress } from '../net/address.ts';
import { containsAddress, formatPrefix, type Prefix, samePrefix } from '../net/prefix.ts';
import { otherMetric, ownerMetric } from './constants.ts';
import type { HostRoute, RouteSet } from './types.ts';

/** Another host's share of one rail, as the ledger has it. */
export interface RemoteBlock {
  readonly hostName: string;
  readonly interfaceIndex: number;
  /** Networks of the rail. */
  readonly netAddresses: readonly Prefix[];
  readonly podCIDRs: readonly Prefix[];
  /** Addresses of that host's NIC on the rail, at most one per family. */
  readonly hostIPs: readonly Address[];
  readonly linkLocal?: Address;
}

export interface RouteInput {
  readonly plan: HostPlan;
  /** This host's NICs. */
  readonly nics: readonly Nic[];
  /** Blocks of the other hosts. */
  readonly remote: readonly RemoteBlock[];
}

export interface RoutePlan {
  readonly routes: readonly HostRoute[];
  /** What cannot be reached, and why, for people. */
  readonly problems: readonly string[];
}

/** A NIC of this host that takes routes, with the interface index of its block. */
interface LocalNic {
  readonly name: string;
  readonly interfaceIndex: number;
  readonly netAddresses: readonly Prefix[];
}

/**
 * Routes to the blocks of all other hosts: for each rail on whose network this host has NICs, its block by way of that host's
 * NIC, on every such NIC (a pod's packet looks for a route that leaves by its own master), with a metric for each. A NIC that
 * is down takes no routes.
 */
export function routesFor({ plan, nics, remote }: RouteInput): RoutePlan {
  const up = new Set(nics.filter((nic) => nic.up).map((nic) => nic.name));
  const locals = plan.blocks.filter((block) => up.has(block.interfaceName)).map(localNic);
  const routes: HostRoute[] = [];
  const problems: string[] = [];
  for (const block of remote) {
    const devs = locals.filter((local) => onOneNetwork(local.netAddresses, block.netAddresses));
    if (devs.length === 0) continue;
    for (const dst of block.podCIDRs) {
      const via = nextHop(block, dst.family);
      if (via === undefined) problems.push(unreachable(plan.network, block, dst));
      else routes.push(...devs.map((dev) => routeOn(dev, block, dst, via)));
    }
  }
  routes.push(...outward(plan, locals, routes));
  return { routes, problems };
}

/**
 * Where pods' routes lead: a pod of a routed network has no neighbours, so that its host sends on to the gateway, by each NIC on
 * whose network that is. Where a block of another host is the same destination, the block stays.
 */
function outward({ routes = [] }: HostPlan, locals: readonly LocalNic[], blocks: readonly HostRoute[]): HostRoute[] {
  return routes.flatMap(({ dst, gw }) => {
    if (gw === undefined || blocks.some((route) => samePrefix(route.dst, dst))) return [];
    return locals
      .filter(({ netAddresses }) => netAddresses.some((net) => containsAddress(net, gw)))
      .map(({ name, interfaceIndex }) => ({
        family: dst.family,
        dst,
        via: gw,
        dev: name,
        metric: otherMetric + interfaceIndex,
      }));
  });
}

/** The desired state of one routed network: its routes, and a rule for each subnet (without subnets, for each rail's prefix). */
export function routeSetFor(input: RouteInput, table: number): { set: RouteSet; problems: readonly string[] } {
  const { routes, problems } = routesFor(input);
  const { plan } = input;
  const subnets = plan.subnets.length > 0 ? plan.subnets : distinct(plan.blocks.flatMap((block) => block.vlanCIDRs));
  return { set: { network: plan.network, table, subnets, routes }, problems };
}

function localNic({ interfaceName, interfaceIndex, netAddresses }: Block): LocalNic {
  return { name: interfaceName, interfaceIndex, netAddresses };
}

function routeOn(dev: LocalNic, block: RemoteBlock, dst: Prefix, via: Address): HostRoute {
  const owns = dev.interfaceIndex === block.interfaceIndex;
  return {
    family: dst.family,
    dst,
    via,
    dev: dev.name,
    // By index, not by place: when a NIC leaves, the routes of the others stay as they are.
    metric: owns ? ownerMetric : otherMetric + dev.interfaceIndex,
  };
}

/** IPv6 goes by the link-local address where the NIC has no global one. */
function nextHop(block: RemoteBlock, family: Family): Address | undefined {
  const own = block.hostIPs.find((address) => address.family === family);
  return own ?? (family === 6 ? block.linkLocal : undefined);
}

function unreachable(network: string, block: RemoteBlock, dst: Prefix): string {
  const known = block.hostIPs.map(formatAddress).join(', ') || 'none';
  return `network ${network}: no route to ${formatPrefix(dst)} of host ${block.hostName}: its NIC on interface index ${block.interfaceIndex} has no IPv${dst.family} address (known: ${known})`;
}

function onOneNetwork(a: readonly Prefix[], b: readonly Prefix[]): boolean {
  return a.some((one) => b.some((other) => samePrefix(one, other)));
}

function distinct(prefixes: readonly Prefix[]): Prefix[] {
  return prefixes.filter((prefix, index) => prefixes.findIndex((other) => samePrefix(prefix, other)) === index);
}
