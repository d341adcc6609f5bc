import { type Address, bitsOf, type Family, NetError, parseAddress } from '../net/address.ts';
import { type Prefix, parsePrefix, prefixOf } from '../net/prefix.ts';
import { child, integer, type Json, objects, parseObjects, text } from './json.ts';
import type { Route } from './types.ts';

/** What was asked for: iproute2 leaves filtered columns out of the answer. */
export interface RouteQuery {
  readonly family: Family;
  readonly table?: number | 'all';
  readonly protocol?: number;
}

/** The main table, RT_TABLE_MAIN. */
export const mainTable = 254;
/** RTPROT_BOOT: what `ip route add` without `proto` writes, and prints as nothing. */
const bootProtocol = 3;

/** Route types by RTN_ number (linux/rtnetlink.h). */
const types = [
  'unspec',
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
];
const scopes: Readonly<Record<number, Route['scope']>> = {
  0: 'global',
  200: 'site',
  253: 'link',
  254: 'host',
  255: 'nowhere',
};

/** Arguments of `ip` whose output parseRoutes reads: numeric (-N), as names depend on files of the host. */
export function routeArguments(query: RouteQuery): string[] {
  const table = query.table === undefined ? [] : ['table', String(query.table)];
  const protocol = query.protocol === undefined ? [] : ['proto', String(query.protocol)];
  return ['-json', '-N', '-details', `-${query.family}`, 'route', 'show', ...table, ...protocol];
}

/** Reads `ip -json -N -details route show`; a route with several next hops becomes one entry for each. */
export function parseRoutes(output: string, query: RouteQuery): Route[] {
  return parseObjects(output).flatMap((object) => routesOf(object, query));
}

/** A destination of a table or rule: an address stands for its full-length prefix, `default` for length 0. */
export function destination(value: string, family: Family): Prefix {
  if (value === 'default' || value === 'all') return { family, base: 0n, length: 0 };
  if (value.includes('/')) return parsePrefix(value);
  const address = parseAddress(value);
  return prefixOf(address, bitsOf(address.family));
}

function routesOf(object: Json, query: RouteQuery): Route[] {
  const dst = text(object, 'dst');
  if (dst === undefined) return [];
  const source = text(object, 'prefsrc');
  const common = {
    family: query.family,
    dst: destination(dst, query.family),
    table: integer(object, 'table') ?? (typeof query.table === 'number' ? query.table : mainTable),
    protocol: integer(object, 'protocol') ?? query.protocol ?? bootProtocol,
    metric: integer(object, 'metric') ?? 0,
    scope: scopes[integer(object, 'scope') ?? 0] ?? 'global',
    type: types[integer(object, 'type') ?? 1] ?? String(object['type']),
    ...(source === undefined ? {} : { source: parseAddress(source) }),
  } as const;
  const hops = objects(object, 'nexthops');
  return (hops.length === 0 ? [object] : hops).map((hop) => ({ ...common, ...nextHop(hop) }));
}

function nextHop(hop: Json): { via?: Address; dev?: string } {
  const dev = text(hop, 'dev');
  // `via` has the other family: an IPv4 route with an IPv6 next hop (RFC 5549).
  const via = text(hop, 'gateway') ?? text(child(hop, 'via'), 'host');
  return { ...(via === undefined ? {} : { via: gateway(via) }), ...(dev === undefined ? {} : { dev }) };
}

function gateway(value: string): Address {
  try {
    return parseAddress(value);
  } catch (cause) {
    throw new NetError(`ip printed the gateway "${value}", which is no address`, { cause });
  }
}
