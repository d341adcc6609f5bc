import type { Block } from '../api/host.ts';
import { type Address, NetError } from '../net/address.ts';
import { addressAt, containsAddress, offsetOf, type Prefix, sizeOf } from '../net/prefix.ts';
import { type Places, placesOf } from './places.ts';
import { defaultRest, Resting, type RestTimes } from './resting.ts';

/** What an address of a pool is. `unusable`: an exclude or an end of the vlan. */
export type AddressState = 'free' | 'held' | 'resting' | 'unusable' | 'foreign';

/** An address just taken; `restingSince`: it was still resting, which giveBack restores. */
export interface Taken {
  readonly address: Address;
  readonly restingSince?: number;
}

/**
 * The addresses of one block in one family: which are held, which rest, which comes next. Next-fit: the pointer stands
 * behind the address taken last, so that an address just released, or given back because it failed, comes last.
 * Every call costs about the same whatever the size of the block. Times are ms since the epoch.
 */
export class AddressPool {
  readonly podCIDR: Prefix;
  readonly vlanCIDR: Prefix;
  readonly #places: Places;
  readonly #held = new Set<bigint>();
  readonly #resting = new Resting();
  readonly #rest: RestTimes;
  #pointer = 0n;

  constructor(podCIDR: Prefix, vlanCIDR: Prefix, excludes: readonly Prefix[], rest: RestTimes = defaultRest) {
    this.podCIDR = podCIDR;
    this.vlanCIDR = vlanCIDR;
    this.#places = placesOf(podCIDR, vlanCIDR, excludes);
    this.#rest = rest;
  }

  /** Addresses that pods can have, held ones included. */
  get capacity(): bigint {
    return this.#places.capacity;
  }

  get held(): number {
    return this.#held.size;
  }

  /** Addresses that rest at that time. */
  resting(now: number): number {
    this.#wake(now);
    return this.#resting.size;
  }

  /** Where the search for the next address starts. */
  get next(): Address {
    return addressAt(this.podCIDR, this.#pointer);
  }

  /** Starts the search there, as after a restart. @throws NetError when it is outside the block */
  startAt(address: Address): void {
    this.#pointer = offsetOf(this.podCIDR, address);
  }

  state(address: Address, now: number): AddressState {
    const place = this.#place(address);
    if (place === undefined) return 'foreign';
    this.#wake(now);
    if (this.#held.has(place)) return 'held';
    if (!this.#places.usable(place)) return 'unusable';
    return this.#resting.since(place) === undefined ? 'free' : 'resting';
  }

  /** How much longer the address cannot be had even by name, in ms; 0 when it can. */
  floorLeft(address: Address, now: number): number {
    const place = this.#place(address);
    const since = place === undefined ? undefined : this.#resting.since(place);
    return since === undefined ? 0 : Math.max(0, this.#rest.floor - Math.max(0, now - since));
  }

  /** Takes the next address: one that does not rest, else the one that rests longest if it has rested for the floor. */
  take(now: number): Taken | undefined {
    this.#wake(now);
    const free = this.#places.nextFree(this.#pointer);
    if (free !== undefined) return this.#taken(free);
    const rested = this.#resting.takeOldest(now, this.#rest.floor);
    return rested === undefined ? undefined : { ...this.#taken(rested.place), restingSince: rested.since };
  }

  /** Whether `take` would find an address now. */
  hasRoom(now: number): boolean {
    this.#wake(now);
    if (this.#places.nextFree(this.#pointer) !== undefined) return true;
    const rested = this.#resting.takeOldest(now, this.#rest.floor);
    if (rested !== undefined) this.#resting.add(rested.place, rested.since);
    return rested !== undefined;
  }

  /** Takes this very address if it is free, or rests for the floor at least. */
  takeNamed(address: Address, now: number): Taken | undefined {
    const state = this.state(address, now);
    if (state !== 'free' && (state !== 'resting' || this.floorLeft(address, now) > 0)) return undefined;
    const place = offsetOf(this.podCIDR, address);
    const restingSince = this.#resting.since(place);
    this.#resting.remove(place);
    this.#hold(place);
    return { address, ...(restingSince === undefined ? {} : { restingSince }) };
  }

  /**
   * Marks the address as in use, as a record of the store says, even one that is excluded meanwhile.
   * False when it was held already or is not of this block.
   */
  hold(address: Address): boolean {
    const place = this.#place(address);
    if (place === undefined || this.#held.has(place)) return false;
    this.#resting.remove(place);
    this.#hold(place);
    return true;
  }

  /** The address was released at that time and rests. Addresses of other blocks, and unusable ones, are passed over. */
  rest(address: Address, since: number): void {
    const place = this.#place(address);
    if (place === undefined) return;
    this.#held.delete(place);
    if (!this.#places.usable(place)) return;
    this.#places.take(place);
    this.#resting.add(place, since);
  }

  /** The address is free at once: no interface ever carried it. */
  release(address: Address): void {
    const place = this.#place(address);
    if (place === undefined || !this.#held.delete(place)) return;
    this.#places.free(place);
  }

  /** Undoes take or takeNamed. */
  giveBack({ address, restingSince }: Taken): void {
    if (restingSince === undefined) this.release(address);
    else this.rest(address, restingSince);
  }

  #place(address: Address): bigint | undefined {
    return containsAddress(this.podCIDR, address) ? address.value - this.podCIDR.base : undefined;
  }

  #hold(place: bigint): void {
    this.#held.add(place);
    this.#places.take(place);
  }

  #taken(place: bigint): Taken {
    this.#hold(place);
    this.#pointer = (place + 1n) % sizeOf(this.podCIDR);
    return { address: addressAt(this.podCIDR, place) };
  }

  /** Addresses that have rested for the cooldown are free again. */
  #wake(now: number): void {
    for (;;) {
      const oldest = this.#resting.takeOldest(now, this.#rest.cooldown);
      if (oldest === undefined) return;
      this.#places.free(oldest.place);
    }
  }
}

/** One block with its pools, one for each family. */
export class BlockPool {
  readonly block: Block;
  readonly families: readonly AddressPool[];

  /** @throws NetError when the block's prefix lists are not parallel */
  constructor(block: Block, rest: RestTimes = defaultRest) {
    this.block = block;
    this.families = block.podCIDRs.map((podCIDR, family) => {
      const vlanCIDR = block.vlanCIDRs[family];
      if (vlanCIDR === undefined)
        throw new NetError(`block of NIC ${block.interfaceName} has more podCIDRs than vlanCIDRs`);
      return new AddressPool(podCIDR, vlanCIDR, block.excludes, rest);
    });
  }

  /** The pool whose block contains the address. */
  poolOf(address: Address): AddressPool | undefined {
    return this.families.find(({ podCIDR }) => containsAddress(podCIDR, address));
  }

  /** Addresses that pods can have, all families together. */
  get capacity(): bigint {
    return this.families.reduce((sum, pool) => sum + pool.capacity, 0n);
  }

  get held(): number {
    return this.families.reduce((sum, pool) => sum + pool.held, 0);
  }

  resting(now: number): number {
    return this.families.reduce((sum, pool) => sum + pool.resting(now), 0);
  }
}
