import type { Address } from '../net/address.ts';
import type { Prefix } from '../net/prefix.ts';

/** Kinds of link that delegates make on a master. */
export type LinkKind = 'ipvlan' | 'macvlan';

/** Mode of the link: ipvlan has l2, l3, l3s; macvlan has bridge, private, vepa, passthru. */
export type LinkMode = 'l2' | 'l3' | 'l3s' | 'bridge' | 'private' | 'vepa' | 'passthru';

/**
 * How a delegate is told its NIC. master: by name, the NIC stays on the host and is shared. device: the NIC itself moves into
 * the pod, so one pod has it. deviceID: a device that kubelet's device plugin gave to the pod. none: the NIC only gives its block.
 */
export type NicBinding = 'master' | 'device' | 'deviceID' | 'none';

/** The delegate of a network, and what it does with a NIC. */
export interface Delegation {
  /** `spec.plugin.type`; delegations.ts' delegateOf says which CNI plugin is run for it. */
  readonly pluginType: string;
  readonly binding: NicBinding;
  /** ipvlan and macvlan have modes, others none. */
  readonly mode?: LinkMode;
}

type Json = Readonly<Record<string, unknown>>;

/** Who gives addresses. pool: multinic, from its blocks. each: an IPAM plugin of that configuration, asked once for each NIC. */
export type IpamMode =
  | { readonly kind: 'pool' }
  | { readonly kind: 'each'; readonly config: Json }
  /** One configuration for each NIC name. */
  | { readonly kind: 'per-master'; readonly configs: Readonly<Record<string, Json>> }
  /** The NIC's own address goes into the pod with it. */
  | { readonly kind: 'host-device' };

/** How a pod's NICs are picked. */
export type Strategy = 'none' | 'costOpt' | 'perfOpt' | 'devClass' | 'topology';

export interface PodRoute {
  readonly dst: Prefix;
  readonly gw?: Address;
}

/** A MultiNicNetwork behind the gate (network-gate.ts): parsed, defaulted, consistent in itself. */
export interface Network extends Delegation {
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  /** metadata.creationTimestamp, ms since the epoch: of two networks in conflict the older wins, then the lower name. */
  readonly createdAt: number;
  /** One of the five that multinic speaks; the NAD carries it. */
  readonly cniVersion: string;
  readonly ipam: IpamMode;
  /** l3 or l3s: hosts route between blocks. */
  readonly routed: boolean;
  /** plugin.args without mode, as given. */
  readonly pluginArgs: Readonly<Record<string, string>>;
  /** At most one per family, in the order given; empty: each NIC's own network is its rail's prefix. */
  readonly subnets: readonly Prefix[];
  readonly hostBlock: number;
  readonly interfaceBlock: number;
  readonly excludes: readonly Prefix[];
  readonly routes: readonly PodRoute[];
  readonly sourceRouting: boolean;
  /** NIC networks of the pool; empty: all. */
  readonly masterNets: readonly Prefix[];
  readonly strategy: Strategy;
  /** Empty: all. */
  readonly namespaces: readonly string[];
}
