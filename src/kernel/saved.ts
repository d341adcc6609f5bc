import { child, integer, type Json, objects, parseObjects, text, texts } from './json.ts';
import type { IpCommand, SavedAddress, SavedLink } from './types.ts';

/** What the kernel writes into a lifetime that does not end. */
const forever = 0xff_ff_ff_ff;
/** RTPROT_KERNEL, RTPROT_RA (linux/rtnetlink.h): the kernel makes such routes again by itself. */
const kernelMade: ReadonlySet<number> = new Set([2, 9]);
const unicast = 1;

/**
 * Reads `ip -json -details addr show dev NAME`; undefined when there is no such link.
 * @param routes words after `ip route add`, as savedRoutes reads them
 */
export function savedLink(output: string, routes: readonly IpCommand[]): SavedLink | undefined {
  const [object] = parseObjects(output).filter((one) => text(one, 'ifname') !== undefined);
  if (object === undefined) return undefined;
  const optional = {
    permanentMac: text(object, 'permaddr'),
    kind: text(child(object, 'linkinfo'), 'info_kind'),
    alias: text(object, 'ifalias'),
    master: text(object, 'master'),
  };
  const flags = texts(object, 'flags');
  return {
    index: integer(object, 'ifindex') ?? 0,
    name: text(object, 'ifname') ?? '',
    mac: text(object, 'address') ?? '',
    mtu: integer(object, 'mtu') ?? 0,
    up: flags.includes('UP'),
    carrier: flags.includes('LOWER_UP') && !flags.includes('NO-CARRIER'),
    altnames: texts(object, 'altnames'),
    addresses: objects(object, 'addr_info').flatMap(addressOf),
    routes,
    ...defined(optional),
  };
}

/**
 * Temporary addresses, and those that the kernel makes of router advertisements, come again by themselves; of what is not usable yet
 * nobody knows whether it ever will be.
 */
function addressOf(entry: Json): SavedAddress[] {
  const local = text(entry, 'local');
  const length = integer(entry, 'prefixlen');
  if (local === undefined || length === undefined) return [];
  const family = text(entry, 'family') === 'inet6' ? 6 : 4;
  const advertised = entry['mngtmpaddr'] === true && entry['dynamic'] === true;
  if (entry['temporary'] === true || entry['dadfailed'] === true || advertised) return [];
  const peer = text(entry, 'address');
  const valid = integer(entry, 'valid_life_time') ?? forever;
  const preferred = integer(entry, 'preferred_life_time') ?? forever;
  return [
    {
      family,
      address: peer === undefined ? `${local}/${length}` : local,
      scope: text(entry, 'scope') ?? 'global',
      flags: ['home', 'mngtmpaddr', 'noprefixroute'].filter((flag) => entry[flag] === true),
      ...defined({
        peer: peer === undefined ? undefined : `${peer}/${length}`,
        broadcast: text(entry, 'broadcast'),
        label: text(entry, 'label'),
        metric: integer(entry, 'metric'),
        validSeconds: valid === forever ? undefined : valid,
        preferredSeconds: preferred === forever ? undefined : preferred,
      }),
    },
  ];
}

/**
 * Reads `ip -json -N -details -4|-6 route show table all dev NAME`: the routes that somebody has made, as words after `ip route
 * add`. Those of the kernel come again with the addresses. A route over several NICs is not among them.
 * @param except protocol whose routes are kept by others
 */
export function savedRoutes(output: string, dev: string, except?: number): IpCommand[] {
  return parseObjects(output).flatMap((route) => {
    const protocol = integer(route, 'protocol') ?? 3;
    if (kernelMade.has(protocol) || protocol === except) return [];
    if ((integer(route, 'type') ?? unicast) !== unicast) return [];
    const words = routeWords(route, dev, protocol);
    return words === undefined ? [] : [words];
  });
}

function routeWords(route: Json, dev: string, protocol: number): IpCommand | undefined {
  const dst = text(route, 'dst');
  if (dst === undefined) return undefined;
  const gateway = text(route, 'gateway');
  const via = child(route, 'via');
  const [family, host] = [text(via, 'family'), text(via, 'host')];
  const other = family === undefined || host === undefined ? [] : ['via', family, host];
  const hop = gateway === undefined ? other : ['via', gateway];
  const named: readonly (readonly [string, string | number | undefined])[] = [
    ['table', integer(route, 'table')],
    ['proto', protocol],
    ['metric', integer(route, 'metric')],
    ['scope', hop.length === 0 ? integer(route, 'scope') : undefined],
    ['src', text(route, 'prefsrc')],
    ['mtu', objects(route, 'metrics').map((metric) => integer(metric, 'mtu'))[0]],
  ];
  return [
    dst,
    ...hop,
    'dev',
    dev,
    ...named.flatMap(([name, value]) => (value === undefined ? [] : [name, String(value)])),
    ...(texts(route, 'flags').includes('onlink') ? ['onlink'] : []),
  ];
}

/** Without what is undefined. */
function defined<T extends Readonly<Record<string, string | number | undefined>>>(
  values: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const known: { [K in keyof T]?: Exclude<T[K], undefined> } = {};
  for (const key in values) {
    const value = values[key];
    if (isDefined(value)) known[key] = value;
  }
  return known;
}

function isDefined<T>(value: T): value is Exclude<T, undefined> {
  return value !== undefined;
}
