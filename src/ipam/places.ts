import { Bitmap } from '../net/bitmap.ts';
import type { Prefix } from '../net/prefix.ts';
import { type Run, unusableRuns } from '../net/usable.ts';

/** Blocks of up to this many bits are kept as a bitmap; larger ones only as the places that are taken. */
const bitmapBits = 16;

/** Which places of a block are taken. Places are offsets from the block's first address. */
export interface Places {
  /** Places that can be taken at all. */
  readonly capacity: bigint;
  usable(place: bigint): boolean;
  take(place: bigint): void;
  free(place: bigint): void;
  /** The first usable place that is free, at or after `from`, going on at 0 behind the end; undefined when all are taken. */
  nextFree(from: bigint): bigint | undefined;
}

/** The places of podCIDR without the vlan's ends and the excludes. */
export function placesOf(podCIDR: Prefix, vlanCIDR: Prefix, excludes: readonly Prefix[]): Places {
  const bits = (podCIDR.family === 4 ? 32 : 128) - podCIDR.length;
  const runs = unusableRuns(podCIDR, vlanCIDR, excludes);
  return bits <= bitmapBits ? new DensePlaces(2 ** bits, runs) : new SparsePlaces(1n << BigInt(bits), runs);
}

class DensePlaces implements Places {
  readonly capacity: bigint;
  readonly #unusable: Bitmap;
  readonly #taken: Bitmap;

  constructor(size: number, runs: readonly Run[]) {
    this.#unusable = new Bitmap(size);
    this.#taken = new Bitmap(size);
    for (const { first, last } of runs) {
      for (let place = Number(first); place <= Number(last); place++) {
        this.#unusable.set(place);
        this.#taken.set(place);
      }
    }
    this.capacity = BigInt(size - this.#unusable.count);
  }

  usable(place: bigint): boolean {
    return !this.#unusable.get(Number(place));
  }

  take(place: bigint): void {
    this.#taken.set(Number(place));
  }

  free(place: bigint): void {
    if (this.usable(place)) this.#taken.clear(Number(place));
  }

  nextFree(from: bigint): bigint | undefined {
    const place = this.#taken.nextClear(Number(from) % this.#taken.size);
    return place < 0 ? undefined : BigInt(place);
  }
}

class SparsePlaces implements Places {
  readonly capacity: bigint;
  readonly #size: bigint;
  readonly #runs: readonly Run[];
  readonly #taken = new Set<bigint>();

  constructor(size: bigint, runs: readonly Run[]) {
    this.#size = size;
    this.#runs = runs;
    this.capacity = runs.reduce((left, { first, last }) => left - (last - first + 1n), size);
  }

  usable(place: bigint): boolean {
    return this.#runAt(place) === undefined;
  }

  take(place: bigint): void {
    this.#taken.add(place);
  }

  free(place: bigint): void {
    this.#taken.delete(place);
  }

  nextFree(from: bigint): bigint | undefined {
    let place = from % this.#size;
    // Each step passes one taken place or one run, each at most once more after the wrap.
    for (let left = this.#taken.size + this.#runs.length * 2 + 2; left > 0; left--) {
      const run = this.#runAt(place);
      if (run === undefined && !this.#taken.has(place)) return place;
      place = ((run?.last ?? place) + 1n) % this.#size;
    }
    return undefined;
  }

  #runAt(place: bigint): Run | undefined {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const run = this.#runs[middle];
      if (run === undefined || place < run.first) high = middle;
      else if (place > run.last) low = middle + 1;
      else return run;
    }
    return undefined;
  }
}
