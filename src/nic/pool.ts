import type { Link } from '../kernel/types.ts';
import { matchesAny } from './glob.ts';

export interface PoolInput {
  /** All links of the host. */
  readonly links: readonly Link[];
  /** Names of links that have a device below them (sysfs). */
  readonly devices: ReadonlySet<string>;
  /** Names of links that default routes of the main table leave by, IPv4 and IPv6. */
  readonly defaultLinks: ReadonlySet<string>;
  /** Patterns of further names to take, and of names never to take. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

export interface Pool {
  /** By name, numbers inside by value: eth2 before eth10. */
  readonly links: readonly Link[];
  /** Why each other link is not in the pool. */
  readonly rejected: readonly { readonly name: string; readonly reason: string }[];
}

/** Kinds that are somebody's construction on NICs, never NICs, whatever they are called. */
const neverKinds: ReadonlySet<string> = new Set([
  'bridge',
  'macvlan',
  'macvtap',
  'ipvlan',
  'ipvtap',
  'vrf',
  'vxlan',
  'geneve',
  'ifb',
  'openvswitch',
]);
/** Kinds that are a NIC when what they are made of is: one link below (lowerIndex), or ports (masterIndex). */
const onLower: ReadonlySet<string> = new Set(['vlan']);
const ofPorts: ReadonlySet<string> = new Set(['bond', 'team']);
/** Kinds whose traffic leaves through the link below. */
const children: ReadonlySet<string> = new Set(['vlan', 'macvlan', 'macvtap', 'ipvlan', 'ipvtap']);

/**
 * Chooses the links that pods may get interfaces on: those with a device below, VLANs and bonds on such, and those that
 * `include` names; never a link that carries a default route or lies below one that does, a port of a bridge or bond, nor
 * what `exclude` names.
 */
export function poolOf(input: PoolInput): Pool {
  const byIndex = new Map(input.links.map((link) => [link.index, link]));
  const defaults = withLower(input, byIndex);
  const links: Link[] = [];
  const rejected: { name: string; reason: string }[] = [];
  for (const link of [...input.links].sort(byName)) {
    const reason = reasonAgainst(link, input, byIndex, defaults);
    if (reason === undefined) links.push(link);
    else rejected.push({ name: link.name, reason });
  }
  return { links, rejected };
}

type ByIndex = ReadonlyMap<number, Link>;

function reasonAgainst(
  link: Link,
  input: PoolInput,
  byIndex: ByIndex,
  defaults: ReadonlySet<string>,
): string | undefined {
  if (link.name === 'lo') return 'loopback';
  if (defaults.has(link.name)) return 'carries the default route';
  if (matchesAny(link.name, input.exclude)) return 'excluded by name';
  if (link.kind !== undefined && neverKinds.has(link.kind)) return `is a ${link.kind} link`;
  const master = link.masterIndex === undefined ? undefined : byIndex.get(link.masterIndex);
  if (master !== undefined && master.kind !== 'vrf') return `is a port of ${master.name}`;
  return isNic(link, input, byIndex) ? undefined : 'has no device below it and is not included by name';
}

function isNic(link: Link, input: PoolInput, byIndex: ByIndex): boolean {
  if (input.devices.has(link.name) || matchesAny(link.name, input.include)) return true;
  if (link.kind === undefined) return false;
  if (onLower.has(link.kind)) {
    const lower = lowerOf(link, byIndex);
    return lower !== undefined && isNic(lower, input, byIndex);
  }
  if (!ofPorts.has(link.kind)) return false;
  return input.links.some((port) => port.masterIndex === link.index && isNic(port, input, byIndex));
}

/** Links of default routes, and those that their traffic goes down to. */
function withLower(input: PoolInput, byIndex: ByIndex): Set<string> {
  const names = new Set<string>();
  for (const link of input.links) {
    if (!input.defaultLinks.has(link.name)) continue;
    let below: Link | undefined = link;
    while (below !== undefined && !names.has(below.name)) {
      names.add(below.name);
      below = below.kind !== undefined && children.has(below.kind) ? lowerOf(below, byIndex) : undefined;
    }
  }
  return names;
}

function lowerOf(link: Link, byIndex: ByIndex): Link | undefined {
  return link.lowerIndex === undefined || link.lowerElsewhere ? undefined : byIndex.get(link.lowerIndex);
}

/** Order by name, numbers inside by value. */
export function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  const parts = (name: string): string[] => name.split(/(\d+)/);
  const [left, right] = [parts(a.name), parts(b.name)];
  for (const [index, part] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    if (part === other) continue;
    const difference = Number(part) - Number(other);
    if (/^\d+$/.test(part) && /^\d+$/.test(other) && difference !== 0) return difference;
    return part < other ? -1 : 1;
  }
  return left.length - right.length;
}
