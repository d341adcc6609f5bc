import { CniError } from '../../api/cni-error.ts';
import type { HostPlan } from '../../api/host.ts';
import { type AllocatedAddress, allocate } from '../../ipam/allocate.ts';
import { BlockPool } from '../../ipam/pool.ts';
import type { Address } from '../../net/address.ts';
import { formatPrefix, samePrefix } from '../../net/prefix.ts';
import type { AttachmentRecord } from '../../store/types.ts';
import type { PoolUse } from '../publish/ip-pool.ts';
import type { AttachDeps } from './deps.ts';

/** What one attachment is about to get. */
export interface Reserved {
  readonly network: string;
  /** In the order of the pod's interfaces. */
  readonly nics: readonly {
    readonly nic: string;
    readonly interfaceIndex: number;
    readonly addresses: readonly { readonly address: Address; readonly length: number }[];
  }[];
}

/** What only the pool in memory knows. */
export type PoolNumbers = Pick<PoolUse, 'capacity' | 'resting'>;

/** The pools in memory: one per network and rail, built from plan and store, and built anew when the plan changes. */
export interface PoolBook {
  /**
   * Takes one address per family on each of the rails, or none. To be followed by `settle` once the store has it or refused it.
   * @throws CniError 101 when a block has none left, 102 when a requested one cannot be had, 11 when it rests
   */
  reserve(plan: HostPlan, rails: readonly number[], requested: readonly string[]): Reserved;
  /** Undoes a reservation that did not reach the store. */
  giveBack(reserved: Reserved): void;
  settle(reserved: Reserved): void;
  /** The record is gone since `now` (ms since the epoch): its addresses rest. */
  release(record: AttachmentRecord, now: number): void;
  /** Memory was found wrong: the network's pools are built from the store at the next use. */
  forget(network: string): void;
  numbers(network: string, interfaceIndex: number): PoolNumbers;
  /** One sentence for each block, or that of one NIC, from which no address could be taken now. */
  full(plan: HostPlan, nic?: string): readonly string[];
}

interface Entry {
  readonly plan: HostPlan;
  readonly pools: readonly BlockPool[];
}

type Sources = Pick<AttachDeps, 'store' | 'plans' | 'cooldown' | 'hostName' | 'now'>;

export function createPoolBook(sources: Sources): PoolBook {
  const { store, plans, cooldown, hostName, now } = sources;
  const entries = new Map<string, Entry>();
  /** Taken, not yet in the store: a pool that is built anew meanwhile must not give them out. */
  const inFlight = new Map<Reserved, { readonly entry: Entry; readonly giveBack: () => void }>();

  const entryOf = (plan: HostPlan): Entry => {
    const before = entries.get(plan.network);
    if (before?.plan === plan) return before;
    const pools = plan.blocks.map((block) => {
      const pool = new BlockPool(block, { cooldown: cooldown.cooldownMs, floor: cooldown.floorMs });
      fill(pool, plan.network, before);
      return pool;
    });
    const entry = { plan, pools };
    entries.set(plan.network, entry);
    return entry;
  };

  /** What rests and what is held, by whom it may be; the pointer goes on where it stood, else behind the newest attachment. */
  const fill = (pool: BlockPool, network: string, before: Entry | undefined): void => {
    for (const entry of store.resting) {
      if (entry.network === network) pool.poolOf(entry.address)?.rest(entry.address, entry.since);
    }
    let newest: AttachmentRecord | undefined;
    for (const record of store.attachments.values()) {
      if (record.key.network !== network) continue;
      for (const { address } of record.addresses) pool.poolOf(address)?.hold(address);
      if (newest === undefined || record.createdAt >= newest.createdAt) newest = record;
    }
    for (const { network: owner, nics } of inFlight.keys()) {
      if (owner !== network) continue;
      for (const { address } of nics.flatMap(({ addresses }) => addresses)) pool.poolOf(address)?.hold(address);
    }
    for (const family of pool.families) {
      const old = before?.pools
        .flatMap(({ families }) => families)
        .find((one) => samePrefix(one.podCIDR, family.podCIDR));
      const last = newest?.addresses.find(({ address }) => pool.poolOf(address) === family);
      if (old !== undefined) family.startAt(old.next);
      else if (last !== undefined) family.startAt(last.address);
    }
  };

  return {
    reserve(plan, rails, requested) {
      const entry = entryOf(plan);
      const chosen = rails.flatMap((rail) => entry.pools.filter(({ block }) => block.interfaceIndex === rail));
      const { network } = plan;
      const allocation = allocate({ network, host: hostName, chosen, all: entry.pools, requested, now: now() });
      if (!allocation.ok) throw new CniError(allocation.code, allocation.message);
      const reserved = { network, nics: byNic(allocation.addresses) };
      inFlight.set(reserved, { entry, giveBack: () => allocation.giveBack() });
      return reserved;
    },
    giveBack(reserved) {
      const flight = inFlight.get(reserved);
      const entry = entries.get(reserved.network);
      if (flight !== undefined && flight.entry === entry) return flight.giveBack();
      for (const { address } of reserved.nics.flatMap(({ addresses }) => addresses)) {
        for (const pool of entry?.pools ?? []) pool.poolOf(address)?.release(address);
      }
    },
    settle: (reserved) => void inFlight.delete(reserved),
    release(record, since) {
      const entry = entries.get(record.key.network);
      for (const { address } of record.addresses) {
        for (const pool of entry?.pools ?? []) pool.poolOf(address)?.rest(address, since);
      }
    },
    forget: (network) => void entries.delete(network),
    numbers(network, interfaceIndex) {
      const plan = plans().get(network);
      const pool = plan && entryOf(plan).pools.find(({ block }) => block.interfaceIndex === interfaceIndex);
      return { capacity: pool?.capacity ?? 0n, resting: pool?.resting(now()) ?? 0 };
    },
    full: (plan, nic) =>
      entryOf(plan).pools.flatMap(({ block, families }) =>
        (nic === undefined || block.interfaceName === nic ? families : [])
          .filter((pool) => !pool.hasRoom(now()))
          .map((pool) => {
            const numbers = `${pool.held} of ${pool.capacity} in use, ${pool.resting(now())} resting`;
            return `NIC ${block.interfaceName}: block ${formatPrefix(pool.podCIDR)} has no address left (${numbers})`;
          }),
      ),
  };
}

function byNic(addresses: readonly AllocatedAddress[]): Reserved['nics'] {
  return [...Map.groupBy(addresses, ({ position }) => position).values()].map((group) => ({
    interfaceIndex: group[0]?.interfaceIndex ?? 0,
    nic: group[0]?.nic ?? '',
    addresses: group.map(({ address, vlanCIDR }) => ({ address, length: vlanCIDR.length })),
  }));
}
