import type { RailEntry } from '../api/kinds/cidr.ts';
import { bitsOf } from '../net/address.ts';
import { containsPrefix, type Prefix, sizeOf } from '../net/prefix.ts';
import { isUsable } from '../net/usable.ts';
import { hostLimit, type Layout, podsOf, vlansOf } from './layout.ts';

/** Tells which host indexes have an address on every rail. */
export class UsableIndexes {
  readonly #layout: Layout;
  readonly #vlans: readonly (readonly Prefix[])[];
  /** No exclude, and blocks of four or more addresses: every index will do. */
  readonly #all: boolean;

  constructor(layout: Layout, rails: readonly RailEntry[]) {
    this.#layout = layout;
    this.#vlans = rails.map(({ interfaceIndex }) => vlansOf(layout, interfaceIndex));
    this.#all = layout.excludes.length === 0 && layout.subnets.every((subnet) => this.#podBits(subnet) >= 2);
  }

  has(index: number): boolean {
    return index < hostLimit(this.#layout) && this.#obstacle(index) === undefined;
  }

  /** The lowest usable index at or after `from`, or undefined. */
  next(from: number): number | undefined {
    let index = from;
    while (index < hostLimit(this.#layout)) {
      const beyond = this.#obstacle(index);
      if (beyond === undefined) return index;
      index = beyond;
    }
    return undefined;
  }

  /** Undefined when the index is usable, else the next that might be: behind the exclude that covers it. */
  #obstacle(index: number): number | undefined {
    if (this.#all) return undefined;
    for (const vlans of this.#vlans) {
      for (const [family, pod] of podsOf(this.#layout, vlans, index).entries()) {
        const vlan = vlans[family];
        if (vlan === undefined || isUsable(pod, vlan, this.#layout.excludes)) continue;
        const cover = this.#layout.excludes.find((exclude) => containsPrefix(exclude, pod));
        if (cover === undefined) return index + 1;
        const end = cover.base + sizeOf(cover) - vlan.base;
        const beyond = Number(end >> BigInt(bitsOf(pod.family) - pod.length));
        return this.#layout.hostBits === 0 ? hostLimit(this.#layout) : Math.max(beyond, index + 1);
      }
    }
    return undefined;
  }

  #podBits(subnet: Prefix): number {
    return bitsOf(subnet.family) - subnet.length - this.#layout.interfaceBits - this.#layout.hostBits;
  }
}
