import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { median, ratio, round, spread } from '../../../bench/statistics.ts';

const samples = fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 40 });

describe('median', () => {
  it.each([
    [[3], 3],
    [[1, 100], 50.5],
    [[9, 1, 2], 2],
    [[10, 9, 1, 2], 5.5],
  ])('of %j is %d', (values, expected) => expect(median(values)).toBe(expected));

  it('has at most half of the samples on either side', () => {
    fc.assert(
      fc.property(samples, (values) => {
        const middle = median(values);
        expect(values.filter((value) => value < middle).length).toBeLessThanOrEqual(values.length / 2);
        expect(values.filter((value) => value > middle).length).toBeLessThanOrEqual(values.length / 2);
      }),
    );
  });

  it('is refused for nothing', () => expect(() => median([])).toThrow(RangeError));
});

describe('ratio', () => {
  it('compares within a round: a machine that halves its speed for some rounds changes nothing', () => {
    expect(ratio([2, 4, 2], [1, 2, 1])).toBe(2);
    expect(ratio([1, 30, 3], [1, 1, 1])).toBe(3);
  });

  it('refuses rounds without a peer', () => expect(() => ratio([1, 2], [1])).toThrow('2 rounds against 1'));
});

it('spread says middle and ends', () => {
  expect(spread([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5, count: 3 });
});

it('round keeps significant digits', () => {
  expect([round(0.123456), round(1234.5), round(2)]).toEqual([0.123, 1230, 2]);
});
