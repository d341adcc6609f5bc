import type { CniResult, ResultRoute } from '../../../cni/types.ts';
import type { Route } from '../../../kernel/types.ts';
import { type Address, bitsOf, type Family, parseAddress, sameAddress } from '../../../net/address.ts';
import { formatPrefix, type Prefix, parseInterfaceAddress, samePrefix } from '../../../net/prefix.ts';

/** A route that an attachment needs. */
interface Wanted {
  readonly dst: Prefix;
  readonly via?: Address;
  readonly dev?: string;
}

/**
 * Routes of a result that are not in a namespace: those it lists, and for each address the one to its network, which the kernel
 * makes with the address and anybody can delete. In whichever table: chained plugins (sbr) move routes to others.
 * @param routes all of the namespace, of all tables and the result's families
 * @returns one sentence for each one missing
 */
export function missingRoutes(result: CniResult, routes: readonly Route[]): readonly string[] {
  return [...result.routes.map(listed), ...result.ips.flatMap((ip) => connected(result, ip))]
    .filter((wanted) => !routes.some((route) => serves(route, wanted)))
    .map(
      ({ dst, dev }) => `route to ${formatPrefix(dst)}${dev === undefined ? '' : ` on interface ${dev}`} is missing`,
    );
}

/** Families in which there are routes to be looked for. */
export function familiesOf(result: CniResult): readonly Family[] {
  const texts = [...result.ips.map(({ address }) => address), ...result.routes.map(({ dst }) => dst)];
  return [...new Set(texts.map((text) => parseInterfaceAddress(text).address.family))];
}

function listed({ dst, gw }: ResultRoute): Wanted {
  return { dst: parseInterfaceAddress(dst).prefix, ...(gw === undefined ? {} : { via: parseAddress(gw) }) };
}

function connected(result: CniResult, ip: CniResult['ips'][number]): readonly Wanted[] {
  const entry = ip.interface === undefined ? undefined : result.interfaces[ip.interface];
  const { prefix } = parseInterfaceAddress(ip.address);
  if (entry?.sandbox === undefined || entry.sandbox === '' || prefix.length === bitsOf(prefix.family)) return [];
  return [{ dst: prefix, dev: entry.name }];
}

function serves(route: Route, { dst, via, dev }: Wanted): boolean {
  if (!samePrefix(route.dst, dst)) return false;
  if (dev !== undefined && route.dev !== dev) return false;
  return via === undefined || (route.via !== undefined && sameAddress(route.via, via));
}
