/** How long a released address is kept back, in ms. */
export interface RestTimes {
  /** Kept while other addresses are free. */
  readonly cooldown: number;
  /** Kept always: peers may still have the old neighbour entry. */
  readonly floor: number;
}

export const defaultRest: RestTimes = { cooldown: 60_000, floor: 10_000 };

/** A place and when it was released. */
export interface Rested {
  readonly place: bigint;
  readonly since: number;
}

/** Released places in the order of their release. */
export class Resting {
  readonly #since = new Map<bigint, number>();
  #queue: Rested[] = [];
  #head = 0;
  #sorted = true;

  get size(): number {
    return this.#since.size;
  }

  /** When the place was released, or undefined. */
  since(place: bigint): number | undefined {
    return this.#since.get(place);
  }

  add(place: bigint, since: number): void {
    const last = this.#queue.at(-1);
    if (last !== undefined && since < last.since) this.#sorted = false;
    this.#since.set(place, since);
    this.#queue.push({ place, since });
  }

  remove(place: bigint): void {
    this.#since.delete(place);
  }

  /**
   * Takes out the place that was released first, if that was `age` ms ago or longer. A release that the clock says is yet
   * to come (the clock was set back) counts as one of now.
   */
  takeOldest(now: number, age: number): Rested | undefined {
    if (!this.#sorted) this.#sort();
    const last = this.#queue.at(-1);
    if (last !== undefined && last.since > now) this.#clamp(now);
    for (;;) {
      const oldest = this.#queue[this.#head];
      if (oldest === undefined) return undefined;
      const stale = this.#since.get(oldest.place) !== oldest.since;
      if (!stale && now - oldest.since < age) return undefined;
      this.#advance();
      if (stale) continue;
      this.#since.delete(oldest.place);
      return oldest;
    }
  }

  #advance(): void {
    this.#head++;
    if (this.#head < 1024 || this.#head * 2 < this.#queue.length) return;
    this.#queue = this.#queue.slice(this.#head);
    this.#head = 0;
  }

  #sort(): void {
    this.#queue = this.#queue.slice(this.#head).sort((a, b) => a.since - b.since);
    this.#head = 0;
    this.#sorted = true;
  }

  #clamp(now: number): void {
    for (const [place, since] of this.#since) if (since > now) this.#since.set(place, now);
    this.#queue = [...this.#since].map(([place, since]) => ({ place, since })).sort((a, b) => a.since - b.since);
    this.#head = 0;
  }
}
