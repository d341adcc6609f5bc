import { formatAddress } from '../net/address.ts';
import type { Member, PoolNic } from './members.ts';
import type { Segment, Segments } from './segments.ts';

/** A host's place on one rail: the NIC that has it, or the key of a vanished one for which it is kept. */
export interface Slot {
  readonly segment: Segment;
  readonly ordinal: number;
  readonly nic?: PoolNic;
  /** Present where the ledger must name the NIC: the host has, or had, several on the network. */
  readonly key?: string;
}

/**
 * Gives each NIC of the host its ordinal on its network. A NIC that the ledger names keeps its ordinal; where the ledger
 * names none, the one whose address or name stood there before keeps it; new NICs take the lowest free ordinal, that of a
 * vanished NIC only when no pod has an address of its block.
 */
export function slotsOf(member: Member, segments: Segments): Slot[] {
  const groups = new Map<Segment, PoolNic[]>();
  for (const nic of member.nics) {
    const segment = segments.of(nic);
    if (segment === undefined) continue;
    const group = groups.get(segment);
    if (group === undefined) groups.set(segment, [nic]);
    else group.push(nic);
  }
  const named = namedInLedger(member, segments);
  for (const segment of named.keys()) if (!groups.has(segment)) groups.set(segment, []);
  return [...groups].flatMap(([segment, nics]) => slotsOnSegment(member, segments, segment, nics, named.get(segment)));
}

function slotsOnSegment(
  member: Member,
  segments: Segments,
  segment: Segment,
  nics: readonly PoolNic[],
  named: ReadonlyMap<number, string> | undefined,
): Slot[] {
  const [only] = nics;
  if (named === undefined && nics.length === 1 && only !== undefined) return [{ segment, ordinal: 0, nic: only }];
  const taken = new Map<number, PoolNic>();
  for (const [ordinal, key] of named ?? new Map<number, string>()) {
    const nic = nics.find((one) => one.nic.key === key);
    if (nic !== undefined) taken.set(ordinal, nic);
  }
  if (named === undefined) takeByTrace(member, segments, segment, nics, taken);
  const vanished = new Map([...(named ?? [])].filter(([ordinal]) => !taken.has(ordinal)));
  const settled = new Set(taken.values());
  let ordinal = 0;
  for (const nic of nics) {
    if (settled.has(nic)) continue;
    while (taken.has(ordinal) || (vanished.has(ordinal) && inUse(member, segment, ordinal))) ordinal++;
    taken.set(ordinal, nic);
    vanished.delete(ordinal);
  }
  return [
    ...[...taken].map(([place, nic]) => ({ segment, ordinal: place, nic, key: nic.nic.key })),
    ...[...vanished].map(([place, key]) => ({ segment, ordinal: place, key })),
  ];
}

/** Ordinals whose NIC the ledger names, by NIC network. */
function namedInLedger(member: Member, segments: Segments): Map<Segment, Map<number, string>> {
  const named = new Map<Segment, Map<number, string>>();
  for (const { interfaceIndex, nic } of member.entry?.addresses ?? []) {
    const place = nic === undefined ? undefined : segments.at(interfaceIndex);
    if (nic === undefined || place === undefined) continue;
    const ordinals = named.get(place.segment) ?? new Map<number, string>();
    named.set(place.segment, ordinals.set(place.ordinal, nic));
  }
  return named;
}

/** The host's single NIC on the network was not named in the ledger: found by its address there, else as last published. */
function takeByTrace(
  member: Member,
  segments: Segments,
  segment: Segment,
  nics: readonly PoolNic[],
  taken: Map<number, PoolNic>,
): void {
  const take = (index: number, matches: (nic: PoolNic) => boolean) => {
    const place = segments.at(index);
    if (place?.segment !== segment || taken.has(place.ordinal)) return;
    const nic = nics.find((one) => matches(one) && ![...taken.values()].includes(one));
    if (nic !== undefined) taken.set(place.ordinal, nic);
  };
  for (const { interfaceIndex, hostIPs } of member.entry?.addresses ?? []) {
    take(interfaceIndex, ({ nic }) => nic.addresses.some(({ address }) => hostIPs.includes(formatAddress(address))));
  }
  for (const { interfaceIndex, interfaceName } of member.host.published?.blocks ?? []) {
    take(interfaceIndex, ({ nic }) => nic.name === interfaceName);
  }
}

function inUse(member: Member, segment: Segment, ordinal: number): boolean {
  const rail = segment.rails.get(ordinal);
  return rail !== undefined && (member.host.allocated.get(rail.interfaceIndex) ?? 0) > 0;
}
