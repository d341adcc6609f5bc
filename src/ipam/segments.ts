import type { RailEntry } from '../api/kinds/cidr.ts';
import { comparePrefixes, formatPrefix, type Prefix, parsePrefix } from '../net/prefix.ts';
import type { Member, PoolNic } from './members.ts';
import { netKey } from './nics.ts';

/** One NIC network (one prefix of each family) with its rails by ordinal. */
export interface Segment {
  nets: Prefix[];
  readonly rails: Map<number, RailEntry>;
}

/** All NIC networks of a network, found by any of their prefixes or by a rail's index. */
export class Segments {
  readonly #byNet = new Map<string, Segment>();
  readonly #byIndex = new Map<number, { segment: Segment; ordinal: number }>();

  /** Takes a rail over; false when its index, or its network and ordinal, is taken by another. */
  adopt(rail: RailEntry): boolean {
    const nets = rail.netAddresses.map(parsePrefix);
    const segment = this.#find(nets.map(netKey));
    if (this.#byIndex.has(rail.interfaceIndex) || segment?.rails.has(rail.ordinal) === true) return false;
    this.setRail(segment ?? this.#create(nets), rail);
    return true;
  }

  setRail(segment: Segment, rail: RailEntry): void {
    // Forgotten with its last rail, whose index it may get back just now.
    for (const net of segment.nets) if (!this.#byNet.has(netKey(net))) this.#byNet.set(netKey(net), segment);
    segment.rails.set(rail.ordinal, rail);
    this.#byIndex.set(rail.interfaceIndex, { segment, ordinal: rail.ordinal });
  }

  /** Forgets a rail, and with its last rail the NIC network. */
  removeRail(index: number): void {
    const place = this.#byIndex.get(index);
    if (place === undefined) return;
    place.segment.rails.delete(place.ordinal);
    this.#byIndex.delete(index);
    if (place.segment.rails.size > 0) return;
    for (const net of place.segment.nets) this.#byNet.delete(netKey(net));
  }

  at(index: number): { readonly segment: Segment; readonly ordinal: number } | undefined {
    return this.#byIndex.get(index);
  }

  /** The NIC network of a NIC; by IPv4 first. */
  of(nic: PoolNic): Segment | undefined {
    return this.#find(nic.keys);
  }

  /** Makes room for every NIC's networks: NICs with both families first, so that they tie the families together. */
  cover(members: readonly Member[]): void {
    const sets = new Map<string, readonly Prefix[]>();
    for (const { nics } of members) for (const { nets, keys } of nics) sets.set(keys.join(' '), nets);
    for (const nets of [...sets.values()].sort(compareNetSets)) {
      const segment = this.#find(nets.map(netKey));
      if (segment === undefined) this.#create(nets);
      else this.#extend(segment, nets);
    }
  }

  /** All rails, by index. */
  rails(): RailEntry[] {
    return [...this.#byIndex.values()]
      .flatMap(({ segment, ordinal }) => segment.rails.get(ordinal) ?? [])
      .sort((a, b) => a.interfaceIndex - b.interfaceIndex);
  }

  #find(keys: readonly string[]): Segment | undefined {
    for (const key of keys) {
      const segment = this.#byNet.get(key);
      if (segment !== undefined) return segment;
    }
    return undefined;
  }

  #create(nets: readonly Prefix[]): Segment {
    const segment: Segment = { nets: nets.filter((net) => !this.#byNet.has(netKey(net))), rails: new Map() };
    for (const net of segment.nets) this.#byNet.set(netKey(net), segment);
    return segment;
  }

  /** A NIC network that gains a family keeps its rails. */
  #extend(segment: Segment, nets: readonly Prefix[]): void {
    for (const net of nets) {
      if (this.#byNet.has(netKey(net)) || segment.nets.some((own) => own.family === net.family)) continue;
      segment.nets = [...segment.nets, net].sort((a, b) => a.family - b.family);
      this.#byNet.set(netKey(net), segment);
      for (const rail of segment.rails.values()) {
        this.setRail(segment, { ...rail, netAddresses: segment.nets.map(formatPrefix) });
      }
    }
  }
}

function compareNetSets(a: readonly Prefix[], b: readonly Prefix[]): number {
  if (a.length !== b.length) return b.length - a.length;
  for (const [i, net] of a.entries()) {
    const other = b[i];
    const order = other === undefined ? 0 : comparePrefixes(net, other);
    if (order !== 0) return order;
  }
  return 0;
}
