import { createHash } from 'node:crypto';
import type { CIDR, CIDRSpec } from '../api/kinds/cidr.ts';
import { type CIDRSlice, type CIDRSliceSpec, indexesPerSlice, type SliceHost } from '../api/kinds/cidrslice.ts';
import type { Network } from '../api/network.ts';
import type { Ledger } from './types.ts';

/** Longest name of an object. */
const nameLimit = 253;

/** The ledger of a network that was never planned. */
export const emptyLedger: Ledger = { revision: 0, rails: [], releasedRails: [], hosts: [], released: [] };

/**
 * Puts a network's ledger together. Slices of another uid than the head's are left out. A host in two slices keeps the
 * index that its daemon claims, else the lower (a leader that was deposed in the middle of a move leaves both).
 * @param claimed host index by host name, as daemons claim it
 */
export function readLedger(
  cidr: CIDR | undefined,
  slices: readonly CIDRSlice[],
  claimed: ReadonlyMap<string, number> = new Map(),
): Ledger {
  const head = cidr?.spec;
  const uid = head?.config?.uid;
  const specs = slices.flatMap(({ spec }) =>
    spec === undefined || (uid !== undefined && spec.uid !== undefined && spec.uid !== uid) ? [] : [spec],
  );
  return {
    ...(head?.config === undefined ? {} : { config: head.config }),
    revision: head?.revision ?? 0,
    rails: [...(head?.interfaces ?? [])].sort(byInterfaceIndex),
    releasedRails: [...(head?.releasedInterfaces ?? [])].sort(byInterfaceIndex),
    hosts: oneEntryEach(
      specs.flatMap((spec) => spec.hosts ?? []),
      claimed,
    ),
    released: specs.flatMap((spec) => spec.released ?? []).sort(byHostIndex),
  };
}

function oneEntryEach(entries: readonly SliceHost[], claimed: ReadonlyMap<string, number>): SliceHost[] {
  const kept = new Map<string, SliceHost>();
  for (const entry of [...entries].sort(byHostIndex)) {
    if (!kept.has(entry.hostName) || claimed.get(entry.hostName) === entry.hostIndex) kept.set(entry.hostName, entry);
  }
  return [...kept.values()].sort(byHostIndex);
}

/** One CIDRSlice as it shall stand. */
export interface NamedSlice {
  readonly name: string;
  readonly spec: CIDRSliceSpec;
}

/** Specs of the objects that hold the ledger; a slice without entries is absent and may be deleted. */
export function writeLedger(
  network: Pick<Network, 'name' | 'uid'>,
  ledger: Ledger,
): { cidr: CIDRSpec; slices: NamedSlice[] } {
  const cidr: CIDRSpec = {
    ...(ledger.config === undefined ? {} : { config: ledger.config }),
    revision: ledger.revision,
    interfaces: [...ledger.rails],
    ...(ledger.releasedRails.length === 0 ? {} : { releasedInterfaces: [...ledger.releasedRails] }),
  };
  const hosts = bySlice(ledger.hosts);
  const released = bySlice(ledger.released);
  const places = [...new Set([...hosts.keys(), ...released.keys()])].sort((a, b) => a - b);
  const slices = places.map((place) => {
    const gone = released.get(place);
    const spec: CIDRSliceSpec = {
      network: network.name,
      uid: network.uid,
      firstIndex: place * indexesPerSlice,
      hosts: hosts.get(place) ?? [],
      ...(gone === undefined ? {} : { released: gone }),
    };
    return { name: sliceName(network.name, spec.firstIndex), spec };
  });
  return { cidr, slices };
}

/** Name of the slice that starts at that host index: `<network>-<k>`; a long network name is cut and hashed. */
export function sliceName(network: string, firstIndex: number): string {
  const suffix = `-${Math.floor(firstIndex / indexesPerSlice)}`;
  if (network.length + suffix.length <= nameLimit) return network + suffix;
  const hash = createHash('sha256').update(network).digest('hex').slice(0, 10);
  const head = network.slice(0, nameLimit - suffix.length - hash.length - 1).replace(/[-.]+$/, '');
  return `${head}-${hash}${suffix}`;
}

function bySlice<T extends { readonly hostIndex: number }>(entries: readonly T[]): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const entry of entries) {
    const place = Math.floor(entry.hostIndex / indexesPerSlice);
    const group = groups.get(place);
    if (group === undefined) groups.set(place, [entry]);
    else group.push(entry);
  }
  return groups;
}

const byHostIndex = (a: { hostIndex: number }, b: { hostIndex: number }) => a.hostIndex - b.hostIndex;
const byInterfaceIndex = (a: { interfaceIndex: number }, b: { interfaceIndex: number }) =>
  a.interfaceIndex - b.interfaceIndex;
