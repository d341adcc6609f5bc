/** A fixed number of bits, all clear at first. Positions are 0 … size - 1; others throw RangeError. */
export class Bitmap {
  readonly size: number;
  readonly #words: Uint32Array;
  #count = 0;

  /** @throws RangeError when size is not an integer of 1 … 2^31 */
  constructor(size: number) {
    if (!Number.isInteger(size) || size < 1 || size > 2 ** 31) {
      throw new RangeError(`a bitmap has 1 to 2^31 bits, not ${size}`);
    }
    this.size = size;
    this.#words = new Uint32Array(Math.ceil(size / 32));
    const tail = size % 32;
    // Bits behind the end count as set, so that a search by words never finds them.
    if (tail !== 0) this.#words[this.#words.length - 1] = (-1 << tail) >>> 0;
  }

  /** Number of set bits. */
  get count(): number {
    return this.#count;
  }

  get(position: number): boolean {
    this.#check(position);
    return (this.#word(position >>> 5) & (1 << (position & 31))) !== 0;
  }

  /** Sets the bit; false when it was set already. */
  set(position: number): boolean {
    if (this.get(position)) return false;
    this.#words[position >>> 5] = this.#word(position >>> 5) | (1 << (position & 31));
    this.#count++;
    return true;
  }

  /** Clears the bit; false when it was clear already. */
  clear(position: number): boolean {
    if (!this.get(position)) return false;
    this.#words[position >>> 5] = this.#word(position >>> 5) & ~(1 << (position & 31));
    this.#count--;
    return true;
  }

  /** The first clear position at or after `from`, going on at 0 behind the end; -1 when all are set. */
  nextClear(from: number): number {
    this.#check(from);
    if (this.#count === this.size) return -1;
    const words = this.#words.length;
    const start = from >>> 5;
    const here = ~this.#word(start) & (-1 << (from & 31));
    if (here !== 0) return start * 32 + lowestBit(here);
    for (let step = 1; step <= words; step++) {
      const at = (start + step) % words;
      const free = ~this.#word(at);
      if (free !== 0) return at * 32 + lowestBit(free);
    }
    return -1;
  }

  #word(index: number): number {
    return this.#words[index] ?? 0;
  }

  #check(position: number): void {
    if (!Number.isInteger(position) || position < 0 || position >= this.size) {
      throw new RangeError(`position ${position} is outside a bitmap of ${this.size} bits`);
    }
  }
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
