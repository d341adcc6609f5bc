import { code } from '../api/cni-error.ts';
import { type Address, formatAddress, NetError, parseAddress } from '../net/address.ts';
import { containsAddress, formatPrefix, type Prefix, parseInterfaceAddress } from '../net/prefix.ts';
import type { AddressPool, BlockPool, Taken } from './pool.ts';

/** What an attachment wants. */
export interface AllocationRequest {
  readonly network: string;
  readonly host: string;
  /** Pools of the chosen NICs, in the order of the pod's interfaces; one pool several times where a NIC gives several interfaces. */
  readonly chosen: readonly BlockPool[];
  /** Pools of all NICs of the network on this host: tells a requested address of a NIC that was not chosen from a foreign one. */
  readonly all: readonly BlockPool[];
  /** Addresses asked for by name, with or without a prefix length (the pod gets that of the rail). */
  readonly requested: readonly string[];
  /** ms since the epoch. */
  readonly now: number;
}

/** One address for the pod. */
export interface AllocatedAddress {
  readonly address: Address;
  /** The rail's prefix, whose length the pod's address carries. */
  readonly vlanCIDR: Prefix;
  readonly interfaceIndex: number;
  readonly nic: string;
  /** Index into the chosen. */
  readonly position: number;
}

/** All addresses of an attachment, by NIC in the order chosen and IPv4 before IPv6 as the subnets are; or why there are none. */
export type Allocation =
  | {
      readonly ok: true;
      readonly addresses: readonly AllocatedAddress[];
      /** Undoes the whole allocation: for when the store refuses it or nothing came of it. */
      giveBack(): void;
    }
  | { readonly ok: false; readonly code: number; readonly message: string };

interface Refusal {
  readonly code: number;
  readonly message: string;
}

/**
 * Takes one address of each family on each chosen NIC, or none at all. Requested addresses go to the NIC whose block
 * contains them, never by position. The pools remember what was taken until giveBack, release or rest.
 */
export function allocate(request: AllocationRequest): Allocation {
  const named = placeRequested(request);
  if ('code' in named) return { ok: false, ...named };
  const taken: { readonly pool: AddressPool; readonly taken: Taken }[] = [];
  const giveBack = () => {
    for (const { pool, taken: one } of taken.splice(0).reverse()) pool.giveBack(one);
  };
  const addresses: AllocatedAddress[] = [];
  for (const [position, nic] of request.chosen.entries()) {
    for (const pool of nic.families) {
      const wanted = named.get(pool)?.shift();
      const one = wanted === undefined ? pool.take(request.now) : pool.takeNamed(wanted, request.now);
      if (one === undefined) {
        giveBack();
        return {
          ok: false,
          ...(wanted === undefined ? exhausted(request, nic, pool) : refusedByName(request, nic, pool, wanted)),
        };
      }
      taken.push({ pool, taken: one });
      const { interfaceIndex, interfaceName } = nic.block;
      addresses.push({ address: one.address, vlanCIDR: pool.vlanCIDR, interfaceIndex, nic: interfaceName, position });
    }
  }
  return { ok: true, addresses, giveBack };
}

/** Which pool each requested address belongs to. */
function placeRequested(request: AllocationRequest): ReadonlyMap<AddressPool, Address[]> | Refusal {
  const named = new Map<AddressPool, Address[]>();
  for (const text of request.requested) {
    let address: Address;
    try {
      address = text.includes('/') ? parseInterfaceAddress(text).address : parseAddress(text);
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      return { code: code.invalidConfig, message: `requested address: ${error.message}` };
    }
    const pool = request.chosen.map((nic) => nic.poolOf(address)).find((one) => one !== undefined);
    if (pool === undefined) return foreign(request, address);
    const before = named.get(pool) ?? [];
    const [first] = before;
    if (first !== undefined && before.length >= request.chosen.filter((nic) => nic.families.includes(pool)).length) {
      return unsatisfiable(
        `requested addresses ${formatAddress(first)} and ${formatAddress(address)} are both of block ${formatPrefix(pool.podCIDR)}: a pod gets one address of each family on a NIC; ask for one`,
      );
    }
    named.set(pool, [...before, address]);
  }
  return named;
}

function foreign({ network, host, chosen, all }: AllocationRequest, address: Address): Refusal {
  const text = formatAddress(address);
  const owner = all.find((nic) => nic.poolOf(address) !== undefined);
  if (owner !== undefined) {
    const names = chosen.map(({ block }) => block.interfaceName).join(', ');
    return unsatisfiable(
      `requested address ${text} belongs to NIC ${owner.block.interfaceName} of network "${network}" on host ${host}, which the pod does not get (it gets ${names}): choose that NIC with masters, or another address`,
    );
  }
  const blocks = chosen.flatMap(({ block, families }) =>
    families.map(({ podCIDR }) => `${formatPrefix(podCIDR)} (${block.interfaceName})`),
  );
  return unsatisfiable(
    `requested address ${text} is not of network "${network}" on host ${host}: its blocks there are ${blocks.join(', ')}. Ask for one of these, or run the pod on the host whose IPPool has it`,
  );
}

function refusedByName(
  { network, host, now }: AllocationRequest,
  nic: BlockPool,
  pool: AddressPool,
  address: Address,
): Refusal {
  const which = `requested address ${formatAddress(address)} of network "${network}" on host ${host}, NIC ${nic.block.interfaceName}`;
  switch (pool.state(address, now)) {
    case 'held':
      return unsatisfiable(
        `${which} is in use by another attachment, whose pod the IPPool names: ask for another or delete that pod`,
      );
    case 'unusable': {
      const exclude = nic.block.excludes.find((one) => containsAddress(one, address));
      const why =
        exclude === undefined
          ? `is an end of ${formatPrefix(pool.vlanCIDR)}`
          : `is excluded by ${formatPrefix(exclude)}`;
      return unsatisfiable(`${which} ${why}: ask for another`);
    }
    default: {
      const seconds = Math.ceil(pool.floorLeft(address, now) / 1000);
      return {
        code: code.tryAgainLater,
        message: `${which} was released a moment ago and rests for another ${seconds} s: try again then`,
      };
    }
  }
}

function exhausted({ network, host, now }: AllocationRequest, nic: BlockPool, pool: AddressPool): Refusal {
  return {
    code: code.exhausted,
    message: `network "${network}", host ${host}, NIC ${nic.block.interfaceName}: block ${formatPrefix(pool.podCIDR)} has no free address: of ${pool.capacity}, ${pool.held} are in use and ${pool.resting(now)} rest after their release. Delete pods, or plan larger blocks (lower hostBlock)`,
  };
}

function unsatisfiable(message: string): Refusal {
  return { code: code.unsatisfiable, message };
}
