import type { RailEntry } from '../api/kinds/cidr.ts';
import type { SliceHost } from '../api/kinds/cidrslice.ts';
import { formatAddress } from '../net/address.ts';
import type { Layout } from './layout.ts';
import type { Member, PoolNic } from './members.ts';
import type { Slot } from './ordinals.ts';
import type { Ledger, PlanProblem } from './types.ts';

type Addresses = NonNullable<SliceHost['addresses']>;

/**
 * What the ledger says of each host's NICs, by host name. Routed networks: the next hops. All networks: which NIC has which
 * ordinal, where a host has (or had) several NICs on one network. Nothing else, to keep writes down.
 */
export function addressesOf(
  network: { readonly name: string; readonly routed: boolean },
  layout: Layout,
  ledger: Ledger,
  members: readonly Member[],
  slots: ReadonlyMap<string, readonly Slot[]>,
): { readonly addresses: ReadonlyMap<string, Addresses>; readonly problems: readonly PlanProblem[] } {
  const linkLocals = layout.subnets.some(({ family }) => family === 6);
  const addresses = new Map<string, Addresses>();
  for (const { host } of members) {
    const own = (slots.get(host.hostName) ?? []).flatMap(({ segment, ordinal, nic, key }) => {
      const interfaceIndex = segment.rails.get(ordinal)?.interfaceIndex;
      if (interfaceIndex === undefined || (!network.routed && key === undefined)) return [];
      return [
        {
          interfaceIndex,
          hostIPs: network.routed && nic !== undefined ? hostIPs(nic) : [],
          ...(key === undefined ? {} : { nic: key }),
          ...(network.routed && linkLocals ? linkLocal(nic) : {}),
        },
      ];
    });
    addresses.set(
      host.hostName,
      own.sort((a, b) => a.interfaceIndex - b.interfaceIndex),
    );
  }
  return { addresses, problems: network.routed ? settleDuplicates(network.name, ledger, addresses) : [] };
}

/**
 * What the ledger says of NICs whose rail is the one that it was said of. Where another NIC network has the index by now, it
 * would name the wrong NIC.
 */
export function stillOnRails(
  addresses: Addresses | undefined,
  before: readonly RailEntry[],
  after: readonly RailEntry[],
): Addresses | undefined {
  const railsOf = (rails: readonly RailEntry[]) => new Map(rails.map((rail) => [rail.interfaceIndex, rail]));
  const [old, now] = [railsOf(before), railsOf(after)];
  return addresses?.filter(({ interfaceIndex }) => {
    const was = old.get(interfaceIndex);
    // Of a rail that the ledger has lost nothing better is known.
    if (was === undefined) return true;
    const is = now.get(interfaceIndex);
    return is?.ordinal === was.ordinal && is.netAddresses.some((net) => was.netAddresses.includes(net));
  });
}

/** One of each family. */
function hostIPs({ nic, nets }: PoolNic): string[] {
  return nets.flatMap((net) => {
    const first = nic.addresses.find(({ address }) => address.family === net.family);
    return first === undefined ? [] : [formatAddress(first.address)];
  });
}

function linkLocal(slot: PoolNic | undefined): { linkLocal?: string } {
  if (slot?.nic.linkLocal === undefined || slot.nets.some(({ family }) => family === 6)) return {};
  return { linkLocal: formatAddress(slot.nic.linkLocal) };
}

/** A host address stays with the host that the ledger gave it to: a later claimant gets no routes and is named. */
function settleDuplicates(network: string, ledger: Ledger, addresses: Map<string, Addresses>): PlanProblem[] {
  const holder = new Map<string, string>();
  const has = (hostName: string, ip: string) =>
    addresses.get(hostName)?.some(({ hostIPs }) => hostIPs.includes(ip)) === true;
  for (const { hostName, addresses: before } of ledger.hosts) {
    for (const { hostIPs } of before ?? []) {
      for (const ip of hostIPs) if (!holder.has(ip) && has(hostName, ip)) holder.set(ip, hostName);
    }
  }
  const problems: PlanProblem[] = [];
  for (const [hostName, own] of addresses) {
    if (own.every(({ hostIPs }) => hostIPs.every((ip) => (holder.get(ip) ?? hostName) === hostName))) {
      for (const { hostIPs } of own) for (const ip of hostIPs) holder.set(ip, hostName);
      continue;
    }
    const judged = own.map((address) => {
      const kept = address.hostIPs.filter((ip) => {
        const other = holder.get(ip);
        if (other === undefined) holder.set(ip, hostName);
        if (other === undefined || other === hostName) return true;
        problems.push({
          reason: 'HostAddressConflict',
          hostName,
          message: `hosts ${other} and ${hostName} both have the NIC address ${ip}: network "${network}" routes to ${other}, which had it first. Give ${hostName} another address`,
        });
        return false;
      });
      return kept.length === address.hostIPs.length ? address : { ...address, hostIPs: kept };
    });
    addresses.set(hostName, judged);
  }
  return problems;
}
