import { parseAddress } from '../net/address.ts';
import { prefixOf } from '../net/prefix.ts';
import { child, integer, type Json, objects, parseObjects, text, texts } from './json.ts';
import type { Link, LinkAddress } from './types.ts';

/** Arguments of `ip` whose output parseLinks reads. */
export const lookFlags = ['-json', '-details'] as const;
export const showLinks = ['addr', 'show'] as const;
export const linkArguments = [...lookFlags, ...showLinks] as const;

/** Reads `ip -json -details addr show`. Lower links and masters stand there by name and become indexes. */
export function parseLinks(output: string): Link[] {
  const found = parseObjects(output).filter((object) => text(object, 'ifname') !== undefined);
  const indexes = new Map(found.map((object) => [text(object, 'ifname'), integer(object, 'ifindex') ?? 0]));
  return found.map((object) => linkOf(object, indexes));
}

function linkOf(object: Json, indexes: ReadonlyMap<string | undefined, number>): Link {
  const flags = texts(object, 'flags');
  const info = child(object, 'linkinfo');
  const kind = text(info, 'info_kind');
  const mode = text(child(info, 'info_data'), 'mode');
  const elsewhere = integer(object, 'link_netnsid') !== undefined;
  const lower = integer(object, 'link_index') ?? indexes.get(text(object, 'link'));
  const master = indexes.get(text(object, 'master'));
  const alias = text(object, 'ifalias');
  const permanentMac = text(object, 'permaddr');
  return {
    index: integer(object, 'ifindex') ?? 0,
    name: text(object, 'ifname') ?? '',
    altnames: texts(object, 'altnames'),
    mac: text(object, 'address') ?? '',
    mtu: integer(object, 'mtu') ?? 0,
    up: flags.includes('UP'),
    carrier: flags.includes('LOWER_UP') && !flags.includes('NO-CARRIER'),
    ...(kind === undefined ? {} : { kind }),
    ...(mode === undefined ? {} : { mode }),
    ...(lower === undefined ? {} : { lowerIndex: lower }),
    lowerElsewhere: elsewhere,
    ...(master === undefined ? {} : { masterIndex: master }),
    ...(alias === undefined ? {} : { alias }),
    ...(permanentMac === undefined ? {} : { permanentMac }),
    addresses: objects(object, 'addr_info').flatMap(addressOf),
  };
}

function addressOf(object: Json): LinkAddress[] {
  const local = text(object, 'local');
  const length = integer(object, 'prefixlen');
  const family = text(object, 'family');
  if (local === undefined || length === undefined || (family !== 'inet' && family !== 'inet6')) return [];
  const address = parseAddress(local);
  return [
    {
      address,
      prefix: prefixOf(address, length),
      scope: text(object, 'scope') ?? 'global',
      tentative: object['tentative'] === true,
      transient: ['secondary', 'temporary', 'deprecated'].some((flag) => object[flag] === true),
    },
  ];
}
