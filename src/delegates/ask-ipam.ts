import { type Address, formatAddress } from '../net/address.ts';
import { containsAddress, formatInterfaceAddress, parseInterfaceAddress } from '../net/prefix.ts';
import { isObject, type JsonObject } from './json.ts';

/** IPAM plugins that take requested addresses as a runtime hands them over, and book them. */
const asked: ReadonlySet<string> = new Set(['host-local', 'nv-ipam']);

/** What an IPAM plugin's configuration becomes, and what the call's runtimeConfig.ips is then. */
export interface AskedIpam {
  readonly ipam: JsonObject;
  readonly ips?: readonly string[];
}

/**
 * How one NIC's IPAM plugin comes to give the addresses that a pod asks for: by asking it where it can be asked; `static` has them in the
 * place of its own of that family; any other stands back for `static`, as the predecessor has it, and its books know nothing of them.
 */
export function askIpam(
  ipam: JsonObject,
  addresses: readonly { readonly address: Address; readonly length: number }[],
): AskedIpam {
  if (addresses.length === 0) return { ipam };
  const { type, routes, dns } = ipam;
  if (typeof type === 'string' && asked.has(type))
    return { ipam, ips: addresses.map(({ address }) => formatAddress(address)) };
  const before = type === 'static' ? staticAddresses(ipam) : [];
  const kept = before.filter(({ given }) => addresses.every(({ address }) => address.family !== given.family));
  const wanted = addresses.map(({ address, length }) => {
    const text = formatInterfaceAddress(address, length);
    const gateway = before.find(
      ({ given, prefix }) => given.family === address.family && containsAddress(prefix, address),
    )?.entry['gateway'];
    return { address: text, ...(gateway === undefined ? {} : { gateway }) };
  });
  return {
    ipam: {
      ...(type === 'static'
        ? ipam
        : { type: 'static', ...(routes === undefined ? {} : { routes }), ...(dns === undefined ? {} : { dns }) }),
      addresses: [...kept.map(({ entry }) => entry), ...wanted],
    },
  };
}

function staticAddresses({ addresses }: JsonObject) {
  const entries = Array.isArray(addresses) ? addresses.filter(isObject) : [];
  return entries.map((entry) => {
    const { address: given, prefix } = parseInterfaceAddress(String(entry['address']));
    return { entry, given, prefix };
  });
}
