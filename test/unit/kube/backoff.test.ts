import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffDelay, itemBackoff, jitter } from '../../../src/kube/backoff.ts';

describe('back-off', () => {
  it('of an item goes 5, 10, 20 ms … 60 s', () => {
    expect([0, 1, 2, 3, 14, 15, 1000].map((n) => backoffDelay(n, itemBackoff))).toEqual([
      0, 5, 10, 20, 40_960, 60_000, 60_000,
    ]);
  });

  it('never shrinks, never passes its limit', () => {
    fc.assert(
      fc.property(fc.nat(500), fc.integer({ min: 1, max: 1e4 }), fc.integer({ min: 1e4, max: 1e9 }), (n, base, max) => {
        const delay = backoffDelay(n, { base, max });
        expect(delay).toBeLessThanOrEqual(max);
        expect(backoffDelay(n + 1, { base, max })).toBeGreaterThanOrEqual(delay);
      }),
    );
  });

  it('jitter stays in the upper half', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.double({ min: 0, max: 1, noNaN: true }), (delay, random) => {
        expect(jitter(delay, random)).toBeGreaterThanOrEqual(delay / 2);
        expect(jitter(delay, random)).toBeLessThanOrEqual(delay);
      }),
    );
  });
});
