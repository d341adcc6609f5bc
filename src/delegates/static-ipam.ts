import type { Address } from '../net/address.ts';
import { parseInterfaceAddress } from '../net/prefix.ts';
import { isObject, type JsonObject } from './json.ts';
import type { ChainedCall } from './types.ts';

/** The IPAM of a call's configuration; empty where it has none. */
export function ipamOf({ config }: Pick<ChainedCall, 'config'>): JsonObject {
  const ipam = config['ipam'];
  return isObject(ipam) ? ipam : {};
}

/** Addresses of a call's `static` IPAM, as `<address>/<length>`. */
export function staticAddresses(call: Pick<ChainedCall, 'config'>): string[] {
  const list = ipamOf(call)['addresses'];
  return (Array.isArray(list) ? list : []).filter(isObject).map(({ address }) => String(address));
}

/** The same, without lengths; what is no address is left out. */
export function givenAddresses(call: Pick<ChainedCall, 'config'>): Address[] {
  return staticAddresses(call).flatMap((text) => {
    try {
      return [parseInterfaceAddress(text).address];
    } catch {
      return [];
    }
  });
}

/** Whether a call's static IPAM has an IPv6 address. */
export function hasStaticIpv6(call: Pick<ChainedCall, 'config'>): boolean {
  return givenAddresses(call).some(({ family }) => family === 6);
}

/**
 * Whether a call's IPAM is `static` with addresses and nothing else (no gateway, no routes, no dns), which come to no more than the
 * addresses on the link.
 */
export function isPlainStatic(call: Pick<ChainedCall, 'config'>): boolean {
  const ipam = ipamOf(call);
  if (ipam['type'] !== 'static') return false;
  if (!Object.keys(ipam).every((name) => name === 'type' || name === 'addresses')) return false;
  const list = ipam['addresses'];
  return Array.isArray(list) && list.every((entry) => isObject(entry) && Object.keys(entry).join() === 'address');
}
