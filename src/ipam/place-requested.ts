import { type Address, bitsOf, NetError, parseAddress } from '../net/address.ts';
import { containsAddress, formatPrefix, type Prefix, parseInterfaceAddress } from '../net/prefix.ts';

/** A NIC that the pod gets, of a network whose addresses an IPAM plugin gives. */
export interface RequestPlace {
  readonly nic: string;
  /** Networks of the plugin's addresses for it; empty: its configuration does not say. */
  readonly networks: readonly Prefix[];
  /** Networks that the NIC itself has addresses of. */
  readonly own: readonly Prefix[];
}

/** An address with its prefix length in the pod. */
export interface PlacedAddress {
  readonly address: Address;
  readonly length: number;
}

export type Placement =
  | { readonly ok: true; readonly byPlace: readonly (readonly PlacedAddress[])[] }
  | { readonly ok: false; readonly message: string };

/**
 * Which NIC each requested address goes to: the one whose addresses are of its network; of several, or where no configuration says, the one
 * that is on that network itself; never by position. One that could be on two NICs, or on none, is refused.
 * @param texts with a prefix length or without, then with that of the network
 */
export function placeRequested(places: readonly RequestPlace[], texts: readonly string[]): Placement {
  const byPlace: PlacedAddress[][] = places.map(() => []);
  for (const text of texts) {
    const read = readAddress(text);
    if (typeof read === 'string') return { ok: false, message: read };
    const found = placesOf(places, read.address);
    const [place, another] = found;
    if (place === undefined)
      return { ok: false, message: `requested address ${text} is on no NIC's network: ${described(places)}` };
    if (another !== undefined) {
      const message = `requested address ${text} could be on NICs ${found.map(({ nic }) => nic).join(', ')}: choose one of them with masters, or give each NIC a configuration of its own (multi-config)`;
      return { ok: false, message };
    }
    const length = read.length ?? lengthOf(place, read.address);
    if (length === undefined) {
      return {
        ok: false,
        message: `requested address ${text} needs a prefix length, as ${text}/${bitsOf(read.address.family) === 32 ? 24 : 64}`,
      };
    }
    byPlace[places.indexOf(place)]?.push({ address: read.address, length });
  }
  return { ok: true, byPlace };
}

function readAddress(text: string): { readonly address: Address; readonly length?: number } | string {
  try {
    if (!text.includes('/')) return { address: parseAddress(text) };
    const { address, prefix } = parseInterfaceAddress(text);
    return { address, length: prefix.length };
  } catch (error) {
    if (error instanceof NetError) return `requested address: ${error.message}`;
    throw error;
  }
}

function placesOf(places: readonly RequestPlace[], address: Address): readonly RequestPlace[] {
  const told = places.filter(({ networks }) => contains(networks, address));
  const silent = places.filter(({ networks }) => networks.every(({ family }) => family !== address.family));
  const candidates = told.length > 0 ? told : silent;
  if (candidates.length <= 1) return candidates;
  const there = candidates.filter(({ own }) => contains(own, address));
  return there.length > 0 ? there : candidates;
}

function lengthOf({ networks, own }: RequestPlace, address: Address): number | undefined {
  const lengths = [networks, own].map((list) =>
    list.filter((net) => containsAddress(net, address)).map(({ length }) => length),
  );
  return lengths.map((list) => (list.length === 0 ? undefined : Math.max(...list))).find((one) => one !== undefined);
}

function contains(networks: readonly Prefix[], address: Address): boolean {
  return networks.some((net) => containsAddress(net, address));
}

function described(places: readonly RequestPlace[]): string {
  return places
    .map(
      ({ nic, networks, own }) =>
        `${nic} gives ${(networks.length > 0 ? networks : own).map(formatPrefix).join(', ') || 'what its plugin has'}`,
    )
    .join('; ');
}
