import { CniError, code } from '../../../api/cni-error.ts';
import type { Block, HostPlan } from '../../../api/host.ts';
import { FieldReader, listProblems } from '../../../cni/fields.ts';
import { readRoutes } from '../../../cni/result.ts';
import type { NetConf, ResultRoute } from '../../../cni/types.ts';
import type { IpCommand } from '../../../kernel/types.ts';
import { type Address, formatAddress, parseAddress } from '../../../net/address.ts';
import { containsAddress, formatPrefix, type Prefix, parseInterfaceAddress } from '../../../net/prefix.ts';
import { usableBlocks } from './nic-ipam.ts';

/** A route that the network configuration asks for. */
export interface WantedRoute {
  readonly dst: Prefix;
  readonly gw?: Address;
}

/** What the pod gets: commands for its namespace, and the same as the result lists it. */
export interface PodRoutes {
  readonly commands: readonly IpCommand[];
  readonly routes: readonly ResultRoute[];
}

interface NextHop {
  readonly dev: string;
  readonly via?: Address;
}

/**
 * Reads `ipam.routes` of a call.
 * @throws CniError 7 for what is malformed, and for a gateway on no NIC's network: no packet would reach it
 */
export function readPodRoutes(plan: HostPlan, conf: Pick<NetConf, 'ipam'>): readonly WantedRoute[] {
  // Those of another IPAM plugin's configuration are made by the delegate, from that plugin's answer; beside multi-config they are ours.
  if (plan.ipam.kind !== 'pool' && plan.ipam.kind !== 'per-master') return [];
  const reader = new FieldReader();
  const listed = readRoutes(reader, conf.ipam['routes'], 'ipam.routes');
  if (reader.problems.length > 0) {
    throw new CniError(code.invalidConfig, `network ${plan.network}: ${listProblems(reader.problems)}`);
  }
  const routes = listed.map(({ dst, gw }) => ({
    // Host bits are masked away, as other plugins do.
    dst: parseInterfaceAddress(dst).prefix,
    ...(gw === undefined ? {} : { gw: parseAddress(gw) }),
  }));
  for (const [index, { gw }] of routes.entries()) if (gw !== undefined) requireReachable(plan, gw, index);
  return routes;
}

/**
 * Routes over the NICs that the pod has. With a gateway: over those on whose network it is; on layer 2 by way of it, on layer 3 on the
 * link, as the host knows the gateway (a pod of an l3 network has no neighbours). Without one: on the link of every NIC. Several next
 * hops to one destination make one route over all of them.
 * @param nics host NIC and interface in the pod, in their order
 */
export function planPodRoutes(
  plan: HostPlan,
  wanted: readonly WantedRoute[],
  nics: readonly { readonly nic: string; readonly ifname: string }[],
): PodRoutes {
  const groups = new Map<string, NextHop[]>();
  const routes: ResultRoute[] = [];
  for (const { dst, gw } of wanted) {
    for (const { nic, ifname } of nics) {
      const block = usableBlocks(plan).find(({ interfaceName }) => interfaceName === nic);
      if (block === undefined || !leadsThere(plan, block, dst, gw)) continue;
      const hop: NextHop = gw === undefined || plan.routed ? { dev: ifname } : { dev: ifname, via: gw };
      const key = formatPrefix(dst);
      const hops = groups.get(key) ?? [];
      const text = hopWords(hop).join(' ');
      if (hops.some((known) => hopWords(known).join(' ') === text)) continue;
      groups.set(key, [...hops, hop]);
      if (hop.via !== undefined) routes.push({ dst: key, gw: formatAddress(hop.via) });
      else if (!routes.some((known) => known.dst === key && known.gw === undefined)) routes.push({ dst: key });
    }
  }
  return { commands: [...groups].map(([dst, hops]) => command(dst, hops)), routes };
}

function leadsThere(plan: HostPlan, block: Block, dst: Prefix, gw: Address | undefined): boolean {
  if (gw !== undefined) return networksOf(plan, block).some((net) => containsAddress(net, gw));
  return block.podCIDRs.some(({ family }) => family === dst.family);
}

/**
 * Where a gateway may be: on layer 3 the network of the host's NIC, on layer 2 what is on-link for the pod, of another IPAM plugin's
 * addresses the networks that its configuration tells.
 */
function networksOf({ routed, ipam }: HostPlan, { netAddresses, vlanCIDRs, podCIDRs }: Block): readonly Prefix[] {
  if (ipam.kind === 'per-master') return podCIDRs;
  return routed ? netAddresses : vlanCIDRs;
}

function requireReachable(plan: HostPlan, gw: Address, index: number): void {
  const networks = usableBlocks(plan).flatMap((block) => networksOf(plan, block));
  if (networks.some((net) => containsAddress(net, gw))) return;
  throw new CniError(
    code.invalidConfig,
    `network ${plan.network}: ipam.routes[${index}].gw ${formatAddress(gw)} is on no NIC's network (${networks.map(formatPrefix).join(', ')}): name a gateway on one of these`,
  );
}

function hopWords({ dev, via }: NextHop): string[] {
  return [...(via === undefined ? [] : ['via', formatAddress(via)]), 'dev', dev];
}

/** `add`: a route of others to the same destination, as a default route, is never taken over. */
function command(dst: string, hops: readonly NextHop[]): IpCommand {
  const [only, ...others] = hops;
  if (only !== undefined && others.length === 0) {
    return ['route', 'add', dst, ...hopWords(only), ...(only.via === undefined ? ['scope', 'link'] : [])];
  }
  return ['route', 'add', dst, ...hops.flatMap((hop) => ['nexthop', ...hopWords(hop)])];
}
