import type { Nic } from '../api/host.ts';
import { type Prefix, samePrefix } from '../net/prefix.ts';

/** Networks that the NIC is on, IPv4 first, at most one of each family: what its rail is found by. */
export function networksOf(nic: Nic): Prefix[] {
  const nets: Prefix[] = [];
  const [only] = nic.addresses;
  if (nic.addresses.length === 1 && only !== undefined) return [only.prefix];
  for (const { prefix } of nic.addresses) {
    if (!nets.some((net) => net.family === prefix.family)) nets.push(prefix);
  }
  return nets.sort((a, b) => a.family - b.family);
}

/** Whether the NIC belongs to a pool of these networks: by any family; an empty list takes every NIC with an address. */
export function inPool(nic: Nic, masterNets: readonly Prefix[]): boolean {
  if (nic.addresses.length === 0) return false;
  return masterNets.length === 0 || networksOf(nic).some((net) => masterNets.some((one) => samePrefix(one, net)));
}

/** Text by which a network is looked up: cheaper than its printed form. */
export function netKey(net: Prefix): string {
  return `${net.base}/${net.length}/${net.family}`;
}

/** Orders a host's NICs: by key, then name; independent of discovery order. */
export function compareNics(a: Nic, b: Nic): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
