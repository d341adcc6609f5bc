import type { Block, Nic } from '../api/host.ts';
import type { RailEntry } from '../api/kinds/cidr.ts';
import type { BlockStatus, PublishedNetwork } from '../api/kinds/hostinterface.ts';
import { NetError } from '../net/address.ts';
import { formatPrefix, type Prefix, parsePrefix, samePrefix } from '../net/prefix.ts';
import { blockUsable, excludesTouching, type Layout, layoutOf, podsOf, vlansOf } from './layout.ts';
import { compareNics, inPool, networksOf } from './nics.ts';
import type { LedgerConfig } from './types.ts';

/**
 * Which NIC (by key) has which interface index on a host: in the operator from the ledger, in the daemon from what the
 * operator published (ownersOf). The index decides the block; which NIC of several on one network has it is a choice.
 */
export type Owners = ReadonlyMap<number, string>;

/** The index of the host on that rail, or undefined where the host has none (hostBlock 0 gives a rail to one host). */
export function indexOn(layout: Layout, rail: RailEntry, hostIndex: number, hostName: string): number | undefined {
  const override = rail.hostOverrides?.[hostName];
  return override ?? (layout.hostBits === 0 ? undefined : hostIndex);
}

/** One NIC's block (`vlanCIDRs`: those of the rail, where known), or undefined where the host has no index on the rail or no address of its block can be used. */
export function blockOf(
  layout: Layout,
  rail: RailEntry,
  hostIndex: number,
  hostName: string,
  nic: Nic,
  vlanCIDRs: readonly Prefix[] = vlansOf(layout, rail.interfaceIndex),
): Block | undefined {
  const index = indexOn(layout, rail, hostIndex, hostName);
  if (index === undefined) return undefined;
  const podCIDRs = podsOf(layout, vlanCIDRs, index);
  if (!blockUsable(layout, vlanCIDRs, podCIDRs)) return undefined;
  return {
    interfaceIndex: rail.interfaceIndex,
    interfaceName: nic.name,
    netAddresses: networksOf(nic),
    vlanCIDRs,
    podCIDRs,
    excludes: excludesTouching(layout.excludes, podCIDRs),
    draining: false,
  };
}

/**
 * A host's blocks, by interface index: the one function by which operator and daemon compute them. NICs outside
 * config.masterNets and rails without a NIC here have none. Without an owner the k-th NIC of a network, by key, has ordinal k.
 * @throws NetError when config is malformed or an index does not fit its bits
 */
export function blocksOf(
  config: LedgerConfig,
  rails: readonly RailEntry[],
  hostIndex: number,
  hostName: string,
  nics: readonly Nic[],
  owners: Owners = new Map(),
): Block[] {
  const layout = layoutOf(config);
  const free = nics.filter((nic) => inPool(nic, layout.masterNets)).sort(compareNics);
  const blocks: Block[] = [];
  const owned = new Set(owners.values());
  for (const rail of [...rails].sort((a, b) => a.ordinal - b.ordinal)) {
    const key = owners.get(rail.interfaceIndex);
    const at = free.findIndex(
      (nic) => (key === undefined ? !owned.has(nic.key) : nic.key === key) && onRail(nic, rail),
    );
    const [nic] = at < 0 ? [] : free.splice(at, 1);
    const block = nic && blockOf(layout, rail, hostIndex, hostName, nic);
    if (block !== undefined) blocks.push(block);
  }
  return blocks.sort((a, b) => a.interfaceIndex - b.interfaceIndex);
}

/** Whether the NIC is on one of the rail's networks. */
export function onRail(nic: Nic, rail: RailEntry): boolean {
  const nets = rail.netAddresses.map(parsePrefix);
  return networksOf(nic).some((own) => nets.some((net) => samePrefix(net, own)));
}

/** The rail on which the NIC has that ordinal, if there is one. */
export function railOf(nic: Nic, ordinal: number, rails: readonly RailEntry[]): RailEntry | undefined {
  return rails.find((rail) => rail.ordinal === ordinal && onRail(nic, rail));
}

/** The operator's choice of NICs as it published it. */
export function ownersOf(published: PublishedNetwork, nics: readonly Nic[]): Map<number, string> {
  const owners = new Map<number, string>();
  for (const block of published.blocks) {
    const nic = nics.find((one) => one.name === block.interfaceName);
    if (nic !== undefined) owners.set(block.interfaceIndex, nic.key);
  }
  return owners;
}

/** Outcome of checking published blocks: what may be served, or why nothing of it may. */
export type Verified =
  | { readonly ok: true; readonly blocks: readonly Block[] }
  | { readonly ok: false; readonly message: string };

/**
 * The daemon's check: computes the published blocks again from config and rails and refuses all when one differs.
 * A block whose NIC the host does not have at the moment is left out, not refused.
 */
export function verifyPublished(
  config: LedgerConfig,
  rails: readonly RailEntry[],
  published: PublishedNetwork,
  hostName: string,
  nics: readonly Nic[],
): Verified {
  const blocks: Block[] = [];
  try {
    const present = published.blocks.filter((one) => nics.some((nic) => nic.name === one.interfaceName));
    const owners = ownersOf(published, nics);
    const own = new Map(
      blocksOf(config, rails, published.hostIndex, hostName, nics, owners).map((one) => [one.interfaceIndex, one]),
    );
    for (const status of present) {
      const theirs = blockFromStatus(status);
      const ours = own.get(status.interfaceIndex);
      const difference = ours === undefined ? 'no such block' : differenceOf(ours, theirs);
      if (ours === undefined || difference !== undefined) {
        return {
          ok: false,
          message: `network "${published.name}", host ${hostName}, NIC ${status.interfaceName}: published block ${status.podCIDRs.join(', ')} (interface index ${status.interfaceIndex}, host index ${published.hostIndex}) is not what the ledger gives: ${difference}`,
        };
      }
      blocks.push({ ...ours, draining: theirs.draining });
    }
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
    return { ok: false, message: `network "${published.name}", host ${hostName}: ${error.message}` };
  }
  return { ok: true, blocks };
}

function differenceOf(ours: Block, theirs: Block): string | undefined {
  const same = (a: readonly Prefix[], b: readonly Prefix[]) =>
    a.length === b.length && a.every((prefix, i) => b[i] !== undefined && samePrefix(prefix, b[i]));
  const texts = (prefixes: readonly Prefix[]) => prefixes.map(formatPrefix).join(', ') || 'none';
  if (!same(ours.podCIDRs, theirs.podCIDRs)) return `it gives ${texts(ours.podCIDRs)}`;
  if (!same(ours.vlanCIDRs, theirs.vlanCIDRs)) return `its rail is ${texts(ours.vlanCIDRs)}`;
  if (!same(ours.excludes, theirs.excludes)) return `its excludes are ${texts(ours.excludes)}`;
  return undefined;
}

/** A block as HostInterface.status carries it; empty lists and false are left out. */
export function blockToStatus(block: Block): BlockStatus {
  const texts = (prefixes: readonly Prefix[]) => prefixes.map(formatPrefix);
  return {
    interfaceIndex: block.interfaceIndex,
    interfaceName: block.interfaceName,
    netAddresses: texts(block.netAddresses),
    vlanCIDRs: texts(block.vlanCIDRs),
    podCIDRs: texts(block.podCIDRs),
    ...(block.excludes.length > 0 ? { excludes: texts(block.excludes) } : {}),
    ...(block.draining ? { draining: true } : {}),
  };
}

/** @throws NetError when a text is no prefix */
export function blockFromStatus(status: BlockStatus): Block {
  return {
    interfaceIndex: status.interfaceIndex,
    interfaceName: status.interfaceName,
    netAddresses: status.netAddresses.map(parsePrefix),
    vlanCIDRs: status.vlanCIDRs.map(parsePrefix),
    podCIDRs: status.podCIDRs.map(parsePrefix),
    excludes: (status.excludes ?? []).map(parsePrefix),
    draining: status.draining ?? false,
  };
}
