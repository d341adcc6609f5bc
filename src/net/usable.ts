import { bitsOf } from './address.ts';
import { comparePrefixes, containsPrefix, overlaps, type Prefix, sizeOf } from './prefix.ts';

// Which addresses of a block pods may carry. Pods carry the prefix of the whole rail (vlan), so only the vlan's ends are
// special: its first address, and for IPv4 its last (network and broadcast). Blocks inside it have no ends of their own.

/** The given prefixes without those that lie in another, in order. */
export function maximal(prefixes: readonly Prefix[]): Prefix[] {
  const kept: Prefix[] = [];
  for (const prefix of [...prefixes].sort(comparePrefixes)) {
    const last = kept.at(-1);
    if (last === undefined || !containsPrefix(last, prefix)) kept.push(prefix);
  }
  return kept;
}

/** A run of places in a block, both ends included. */
export interface Run {
  readonly first: bigint;
  readonly last: bigint;
}

/** The places in the block that no pod gets, as disjoint runs in order: excludes and the vlan's ends. */
export function unusableRuns(block: Prefix, vlan: Prefix, excludes: readonly Prefix[]): Run[] {
  const end = sizeOf(block) - 1n;
  const runs: Run[] = [];
  for (const exclude of excludes) {
    if (!overlaps(block, exclude)) continue;
    if (containsPrefix(exclude, block)) return [{ first: 0n, last: end }];
    const first = exclude.base - block.base;
    runs.push({ first, last: first + sizeOf(exclude) - 1n });
  }
  for (const place of vlanEnds(vlan).map((value) => value - block.base)) {
    if (place >= 0n && place <= end) runs.push({ first: place, last: place });
  }
  return mergeRuns(runs);
}

/** Number of addresses of the block that pods may carry. */
export function usableCount(block: Prefix, vlan: Prefix, excludes: readonly Prefix[]): bigint {
  return unusableRuns(block, vlan, excludes).reduce((left, run) => left - (run.last - run.first + 1n), sizeOf(block));
}

/** Whether at least one address of the block can be carried; fast for large blocks that no exclude touches. */
export function isUsable(block: Prefix, vlan: Prefix, excludes: readonly Prefix[]): boolean {
  const spare = bitsOf(block.family) - block.length;
  if (spare >= 2 && !excludes.some((exclude) => overlaps(block, exclude))) return true;
  return usableCount(block, vlan, excludes) > 0n;
}

/**
 * Number of addresses that pods may carry when the subnet is cut into 2^bits vlans; the work grows with the excludes,
 * not with the vlans.
 */
export function usableInSubnet(subnet: Prefix, bits: number, excludes: readonly Prefix[]): bigint {
  const vlanLength = subnet.length + bits;
  const endsPerVlan = vlanEnds({ ...subnet, length: vlanLength }).length;
  let left = sizeOf(subnet) - (BigInt(endsPerVlan) << BigInt(bits));
  for (const exclude of maximal(excludes.filter((one) => overlaps(one, subnet)))) {
    if (containsPrefix(exclude, subnet)) return 0n;
    left -= sizeOf(exclude) - coveredEnds(exclude, vlanLength, endsPerVlan);
  }
  return left;
}

/** How many vlan ends lie in the exclude: those are lost once, not twice. */
function coveredEnds(exclude: Prefix, vlanLength: number, endsPerVlan: number): bigint {
  if (exclude.length <= vlanLength) return BigInt(endsPerVlan) << BigInt(vlanLength - exclude.length);
  const vlanSize = 1n << BigInt(bitsOf(exclude.family) - vlanLength);
  const firstHit = exclude.base % vlanSize === 0n;
  const lastHit = endsPerVlan === 2 && (exclude.base + sizeOf(exclude)) % vlanSize === 0n;
  return (firstHit ? 1n : 0n) + (lastHit ? 1n : 0n);
}

/** Addresses that no pod of the vlan carries. */
function vlanEnds(vlan: Prefix): bigint[] {
  const last = vlan.base + sizeOf(vlan) - 1n;
  return vlan.family === 4 && last !== vlan.base ? [vlan.base, last] : [vlan.base];
}

function mergeRuns(runs: readonly Run[]): Run[] {
  const merged: Run[] = [];
  for (const run of [...runs].sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
    const previous = merged.at(-1);
    if (previous === undefined || run.first > previous.last + 1n) merged.push(run);
    else if (run.last > previous.last) merged[merged.length - 1] = { first: previous.first, last: run.last };
  }
  return merged;
}
