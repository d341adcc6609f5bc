import type { Network } from '../api/network.ts';
import { bitsOf, NetError } from '../net/address.ts';
import { formatPrefix, overlaps, type Prefix, parsePrefix, partOf } from '../net/prefix.ts';
import { isUsable } from '../net/usable.ts';
import type { LedgerConfig } from './types.ts';

/** A ledger's config, parsed: how addresses divide into subnet | interface index | host index | pod. */
export interface Layout {
  readonly subnets: readonly Prefix[];
  readonly interfaceBits: number;
  readonly hostBits: number;
  readonly excludes: readonly Prefix[];
  /** NIC networks of the pool; empty: all. */
  readonly masterNets: readonly Prefix[];
}

/** The config that a network's spec asks for, in the one spelling that the ledger keeps. */
export function configOf(network: Network): LedgerConfig {
  const texts = (prefixes: readonly Prefix[]) => prefixes.map(formatPrefix);
  const subnets = texts(network.subnets);
  const [subnet] = subnets;
  return {
    name: network.name,
    uid: network.uid,
    type: network.pluginType,
    ...(subnet === undefined ? {} : { subnet }),
    subnets,
    masterNets: texts(network.masterNets),
    hostBlock: network.hostBlock,
    interfaceBlock: network.interfaceBlock,
    excludeCIDRs: texts(network.excludes),
    ...(network.mode === undefined ? {} : { vlanMode: network.mode }),
  };
}

/** @throws NetError when a text is no prefix or the bits do not fit */
export function layoutOf(config: LedgerConfig): Layout {
  const prefixes = (texts: readonly string[] | undefined) => (texts ?? []).map(parsePrefix);
  const layout: Layout = {
    subnets: prefixes(config.subnets ?? (config.subnet === undefined ? [] : [config.subnet])),
    interfaceBits: config.interfaceBlock ?? 0,
    hostBits: config.hostBlock ?? 0,
    excludes: prefixes(config.excludeCIDRs),
    masterNets: prefixes(config.masterNets),
  };
  for (const subnet of layout.subnets) {
    const spare = bitsOf(subnet.family) - subnet.length;
    if (layout.interfaceBits + layout.hostBits > spare) {
      throw new NetError(
        `${formatPrefix(subnet)} has ${spare} bits behind its prefix; interfaceBlock ${layout.interfaceBits} and hostBlock ${layout.hostBits} do not fit`,
      );
    }
  }
  return layout;
}

/** Interface indexes are 0 … this - 1. */
export function interfaceLimit(layout: Layout): number {
  return 2 ** layout.interfaceBits;
}

/** Host indexes are 0 … this - 1. With hostBlock 0 the index only tells hosts apart and is no part of an address. */
export function hostLimit(layout: Layout): number {
  return layout.hostBits === 0 ? 2 ** 31 : 2 ** layout.hostBits;
}

/** Prefixes of a rail, one for each subnet; pods carry their lengths. @throws NetError when the index does not fit */
export function vlansOf(layout: Layout, interfaceIndex: number): Prefix[] {
  return layout.subnets.map((subnet) => partOf(subnet, interfaceIndex, layout.interfaceBits));
}

/** A host's parts of a rail's prefixes. @throws NetError when the index does not fit */
export function podsOf(layout: Layout, vlans: readonly Prefix[], hostIndex: number): Prefix[] {
  const index = layout.hostBits === 0 ? 0 : hostIndex;
  return vlans.map((vlan) => partOf(vlan, index, layout.hostBits));
}

/** Whether every family of a block has an address that a pod may carry. */
export function blockUsable(layout: Layout, vlans: readonly Prefix[], pods: readonly Prefix[]): boolean {
  return pods.every((pod, family) => {
    const vlan = vlans[family];
    return vlan !== undefined && isUsable(pod, vlan, layout.excludes);
  });
}

/** Whether a rail of that index would have an address at all, in every family. */
export function railUsable(layout: Layout, interfaceIndex: number): boolean {
  return vlansOf(layout, interfaceIndex).every((vlan) => isUsable(vlan, vlan, layout.excludes));
}

/** Excludes that reach into one of the prefixes. */
export function excludesTouching(excludes: readonly Prefix[], prefixes: readonly Prefix[]): Prefix[] {
  return excludes.filter((exclude) => prefixes.some((prefix) => overlaps(prefix, exclude)));
}
