import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bitmap } from '../../../src/net/bitmap.ts';

describe('Bitmap', () => {
  it('behaves like a set of positions', () => {
    const ops = fc.array(fc.tuple(fc.constantFrom('set', 'clear', 'next'), fc.nat(199)), { maxLength: 300 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), ops, (size, steps) => {
        const bitmap = new Bitmap(size);
        const model = new Set<number>();
        for (const [op, raw] of steps) {
          const at = raw % size;
          if (op === 'set') {
            expect(bitmap.set(at)).toBe(!model.has(at));
            model.add(at);
          } else if (op === 'clear') {
            expect(bitmap.clear(at)).toBe(model.delete(at));
          } else {
            expect(bitmap.nextClear(at)).toBe(nextClear(model, size, at));
          }
          expect(bitmap.count).toBe(model.size);
          expect(bitmap.get(at)).toBe(model.has(at));
        }
      }),
    );
  });

  it.each([1, 31, 32, 33, 64, 65])('finds every bit of %i and then none', (size) => {
    const bitmap = new Bitmap(size);
    const start = size >> 1;
    for (let i = 0; i < size; i++) {
      const at = bitmap.nextClear(start);
      expect(at).toBe((start + i) % size);
      bitmap.set(at);
    }
    expect(bitmap.nextClear(start)).toBe(-1);
    expect(bitmap.count).toBe(size);
  });

  it('refuses positions and sizes that are none', () => {
    const bitmap = new Bitmap(8);
    for (const at of [-1, 8, 1.5, Number.NaN]) {
      expect(() => bitmap.get(at)).toThrow(RangeError);
      expect(() => bitmap.set(at)).toThrow(RangeError);
      expect(() => bitmap.nextClear(at)).toThrow(RangeError);
    }
    for (const size of [0, -1, 2 ** 31 + 1, 0.5]) expect(() => new Bitmap(size)).toThrow(RangeError);
  });
});

function nextClear(model: ReadonlySet<number>, size: number, from: number): number {
  for (let i = 0; i < size; i++) {
    const at = (from + i) % size;
    if (!model.has(at)) return at;
  }
  return -1;
}
