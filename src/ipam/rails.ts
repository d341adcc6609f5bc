import type { RailEntry } from '../api/kinds/cidr.ts';
import { NetError } from '../net/address.ts';
import { comparePrefixes, formatPrefix, parsePrefix, samePrefix } from '../net/prefix.ts';
import { interfaceLimit, type Layout, railUsable } from './layout.ts';
import type { Member } from './members.ts';
import { type Slot, slotsOf } from './ordinals.ts';
import { type Segment, Segments } from './segments.ts';
import type { Ledger, PlanProblem } from './types.ts';

/** Rails and who is on them. */
export interface RailPlan {
  readonly segments: Segments;
  readonly released: Ledger['releasedRails'];
  /** By host name; slots whose rail got no index are left out. */
  readonly slots: ReadonlyMap<string, readonly Slot[]>;
  readonly problems: readonly PlanProblem[];
}

/**
 * Keeps every rail of the ledger that fits the layout, takes over what daemons claim and the ledger lost, and gives NIC
 * networks that are new the lowest index never used before. A rail whose NICs have all vanished stays reserved for its
 * network until its index is needed.
 */
export function planRails(layout: Layout, ledger: Ledger, members: readonly Member[]): RailPlan {
  const segments = new Segments();
  const problems: PlanProblem[] = [];
  const fits = (index: number) => index < interfaceLimit(layout) && railUsable(layout, index);
  for (const rail of ledger.rails) if (fits(rail.interfaceIndex)) segments.adopt(rail);
  for (const rail of claimedRails(members)) if (fits(rail.interfaceIndex)) segments.adopt(rail);
  segments.cover(members);

  const slots = new Map<string, readonly Slot[]>();
  const missing = new Map<Segment, Set<number>>();
  for (const member of members) {
    const own = slotsOf(member, segments);
    slots.set(member.host.hostName, own);
    for (const { segment, ordinal, nic } of own) {
      if (nic === undefined || segment.rails.has(ordinal)) continue;
      missing.set(segment, (missing.get(segment) ?? new Set<number>()).add(ordinal));
    }
  }
  let released = ledger.releasedRails.filter(({ interfaceIndex }) => segments.at(interfaceIndex) === undefined);
  if (missing.size > 0) {
    const indexes = new FreeIndexes(layout, segments, members, slots, released);
    const without: string[] = [];
    for (const { segment, ordinal } of inOrder(missing, layout)) {
      const interfaceIndex = indexes.next();
      if (interfaceIndex === undefined) without.push(segment.nets.map(formatPrefix).join(' and '));
      else segments.setRail(segment, { interfaceIndex, netAddresses: segment.nets.map(formatPrefix), ordinal });
    }
    // A NIC network that was given up may have held a family that another one lacks.
    segments.cover(members);
    released = released.filter(({ interfaceIndex }) => segments.at(interfaceIndex) === undefined);
    if (without.length > 0) problems.push(exhausted(layout, segments.rails().length, without));
  }
  const placed = new Map(
    [...slots].map(([host, own]) => [host, own.filter(({ segment, ordinal }) => segment.rails.has(ordinal))]),
  );
  return { segments, released, slots: placed, problems };
}

/** Rails that daemons say they serve; hosts with addresses first, so that they win where two disagree. */
function* claimedRails(members: readonly Member[]): Generator<RailEntry> {
  for (const holds of [true, false]) {
    for (const member of members) {
      if (member.holds === holds) yield* (member.claim?.interfaces ?? []).filter(isReadable);
    }
  }
}

/** A daemon writes its claims; one that cannot be read counts for nothing. */
function isReadable({ netAddresses }: RailEntry): boolean {
  try {
    return netAddresses.map(parsePrefix).length > 0;
  } catch (error) {
    if (error instanceof NetError) return false;
    throw error;
  }
}

/** New rails in the order in which they get indexes: first ordinals first, then as masterNets lists them, then by network. */
function inOrder(missing: ReadonlyMap<Segment, ReadonlySet<number>>, layout: Layout) {
  const listed = new Map(
    [...missing.keys()].map((segment) => {
      const place = layout.masterNets.findIndex((net) => segment.nets.some((own) => samePrefix(own, net)));
      return [segment, place < 0 ? layout.masterNets.length : place];
    }),
  );
  return [...missing]
    .flatMap(([segment, ordinals]) => [...ordinals].map((ordinal) => ({ segment, ordinal })))
    .sort(
      (a, b) =>
        a.ordinal - b.ordinal ||
        (listed.get(a.segment) ?? 0) - (listed.get(b.segment) ?? 0) ||
        compareSegments(a.segment, b.segment),
    );
}

function compareSegments(a: Segment, b: Segment): number {
  const [first] = a.nets;
  const [second] = b.nets;
  return first === undefined || second === undefined ? 0 : comparePrefixes(first, second);
}

/** Hands out interface indexes: never-used ones first, then released ones, then those of rails that nobody uses. */
class FreeIndexes {
  readonly #layout: Layout;
  readonly #segments: Segments;
  readonly #claimed: Set<number>;
  readonly #abandoned: number[];
  readonly #released: Ledger['releasedRails'];
  #cursor = 0;

  constructor(
    layout: Layout,
    segments: Segments,
    members: readonly Member[],
    slots: ReadonlyMap<string, readonly Slot[]>,
    released: Ledger['releasedRails'],
  ) {
    this.#layout = layout;
    this.#segments = segments;
    this.#claimed = new Set(
      members.flatMap(({ claim }) => (claim?.interfaces ?? []).map(({ interfaceIndex }) => interfaceIndex)),
    );
    this.#released = [...released].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
    const used = new Set(this.#claimed);
    for (const { host } of members) for (const [index, count] of host.allocated) if (count > 0) used.add(index);
    for (const own of slots.values()) {
      for (const { segment, ordinal, nic } of own) {
        const rail = nic === undefined ? undefined : segment.rails.get(ordinal);
        if (rail !== undefined) used.add(rail.interfaceIndex);
      }
    }
    this.#abandoned = segments
      .rails()
      .map(({ interfaceIndex }) => interfaceIndex)
      .filter((index) => !used.has(index));
  }

  next(): number | undefined {
    const released = new Set(this.#released.map(({ interfaceIndex }) => interfaceIndex));
    for (; this.#cursor < interfaceLimit(this.#layout); this.#cursor++) {
      if (!released.has(this.#cursor) && this.#free(this.#cursor)) return this.#cursor;
    }
    const again = this.#released.find(({ interfaceIndex }) => this.#free(interfaceIndex));
    if (again !== undefined) return again.interfaceIndex;
    const abandoned = this.#abandoned.shift();
    if (abandoned !== undefined) this.#segments.removeRail(abandoned);
    return abandoned;
  }

  #free(index: number): boolean {
    return this.#segments.at(index) === undefined && !this.#claimed.has(index) && railUsable(this.#layout, index);
  }
}

function exhausted(layout: Layout, given: number, without: readonly string[]): PlanProblem {
  return {
    reason: 'InterfaceIndexesExhausted',
    message: `interfaceBlock ${layout.interfaceBits} numbers ${interfaceLimit(layout)} NIC networks, ${given} have an index and ${without.length} more need one: NICs on ${without.join(', ')} are left out. Raise interfaceBlock or list fewer networks in masterNets`,
  };
}
