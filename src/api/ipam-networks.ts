import { NetError } from '../net/address.ts';
import { type Prefix, parseInterfaceAddress } from '../net/prefix.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * Networks of the addresses that an IPAM plugin's configuration gives, as far as it says so in the words of host-local (`subnet`,
 * `ranges[][].subnet`), whereabouts (`range`, also `<first>-<last>/<length>`, `ipRanges[].range`) or static (`addresses[].address`). What
 * cannot be read is passed over: it is that plugin's to refuse.
 */
export function ipamNetworks(config: Json): readonly Prefix[] {
  const entries = [
    config,
    ...objects(config['ranges']),
    ...objects(config['ipRanges']),
    ...objects(config['addresses']),
  ];
  return entries.flatMap(({ subnet, range, address }) => [subnet, range, address].flatMap(networkOf));
}

/** Of a list of objects, or of a list of such lists. */
function objects(list: unknown): readonly Json[] {
  if (!Array.isArray(list)) return [];
  return list.flat().filter((one): one is Json => typeof one === 'object' && one !== null && !Array.isArray(one));
}

function networkOf(text: unknown): readonly Prefix[] {
  if (typeof text !== 'string' || !text.includes('/')) return [];
  try {
    return [parseInterfaceAddress(text.slice(text.indexOf('-') + 1)).prefix];
  } catch (error) {
    if (error instanceof NetError) return [];
    throw error;
  }
}
