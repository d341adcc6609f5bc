import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Family, parseAddress } from '../../../src/net/address.ts';
import {
  addressAt,
  containsAddress,
  type Prefix,
  parsePrefix,
  partOf,
  prefixOf,
  sizeOf,
} from '../../../src/net/prefix.ts';
import { isUsable, maximal, unusableRuns, usableCount, usableInSubnet } from '../../../src/net/usable.ts';

/** A subnet of 256 addresses, its cut into vlans and blocks, and excludes in and around it. */
const small = fc
  .record({
    family: fc.constantFrom<Family>(4, 6),
    vlanBits: fc.nat(8),
    hostBits: fc.nat(8),
    vlan: fc.nat(255),
    host: fc.nat(255),
    excludes: fc.array(fc.tuple(fc.nat(511), fc.nat(10)), { maxLength: 6 }),
  })
  .map(({ family, vlanBits, hostBits: wanted, vlan, host, excludes }) => {
    const hostBits = Math.min(wanted, 8 - vlanBits);
    const base = parseAddress(family === 4 ? '10.0.2.0' : 'fd00::200');
    const bits = family === 4 ? 32 : 128;
    const subnet = prefixOf(base, bits - 8);
    const rail = partOf(subnet, vlan % 2 ** vlanBits, vlanBits);
    return {
      subnet,
      vlanBits,
      rail,
      block: partOf(rail, host % 2 ** hostBits, hostBits),
      excludes: excludes.map(([offset, size]) =>
        prefixOf({ family, value: base.value - 128n + BigInt(offset) }, bits - size),
      ),
    };
  });

function usableByHand(block: Prefix, vlan: Prefix, excludes: readonly Prefix[]): bigint[] {
  const places: bigint[] = [];
  for (let place = 0n; place < sizeOf(block); place++) {
    const address = addressAt(block, place);
    const first = address.value === vlan.base;
    const last = vlan.family === 4 && address.value === vlan.base + sizeOf(vlan) - 1n;
    if (!first && !last && !excludes.some((one) => containsAddress(one, address))) places.push(place);
  }
  return places;
}

describe('usable addresses', () => {
  it('are those outside excludes and vlan ends, counted one by one', () => {
    fc.assert(
      fc.property(small, ({ rail, block, excludes }) => {
        const byHand = usableByHand(block, rail, excludes);
        expect(usableCount(block, rail, excludes)).toBe(BigInt(byHand.length));
        expect(isUsable(block, rail, excludes)).toBe(byHand.length > 0);
        const runs = unusableRuns(block, rail, excludes);
        for (let place = 0n; place < sizeOf(block); place++) {
          const inRuns = runs.filter((run) => run.first <= place && place <= run.last).length;
          expect(inRuns).toBe(byHand.includes(place) ? 0 : 1);
        }
      }),
    );
  });

  it('of a whole subnet are the sum over its vlans', () => {
    fc.assert(
      fc.property(small, ({ subnet, vlanBits, excludes }) => {
        let sum = 0n;
        for (let index = 0; index < 2 ** vlanBits; index++) {
          const rail = partOf(subnet, index, vlanBits);
          sum += BigInt(usableByHand(rail, rail, excludes).length);
        }
        expect(usableInSubnet(subnet, vlanBits, excludes)).toBe(sum);
      }),
    );
  });

  it.each([
    // The table of reference section 3.1 counts 253, 61, 29, 13: the predecessor's losses at both ends of each block.
    ['192.168.0.0/24', 255n],
    ['192.168.1.0/24', 256n],
    ['192.168.63.0/24', 255n],
    ['192.168.0.64/26', 64n],
    ['192.168.0.32/27', 32n],
    ['192.168.0.16/28', 16n],
    ['192.168.0.1/32', 1n],
    ['192.168.0.0/32', 0n],
    ['192.168.63.255/32', 0n],
  ])('block %s of 192.168.0.0/18 gives %i', (block, count) => {
    expect(usableCount(parsePrefix(block), parsePrefix('192.168.0.0/18'), [])).toBe(count);
  });

  it('sees that a rail of two IPv4 addresses has only ends, and one of two IPv6 addresses does not', () => {
    const four = parsePrefix('10.0.0.0/31');
    const six = parsePrefix('fd00::/127');
    expect([isUsable(four, four, []), isUsable(six, six, [])]).toEqual([false, true]);
  });

  it('keeps only the largest of nested excludes', () => {
    const texts = ['10.0.0.0/24', '10.0.0.0/16', '10.1.0.0/24', 'fd00::/64', '10.0.0.0/24'];
    expect(maximal(texts.map(parsePrefix))).toEqual(['10.0.0.0/16', '10.1.0.0/24', 'fd00::/64'].map(parsePrefix));
  });
});
