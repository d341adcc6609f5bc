import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { electionTimes, untilDeadline, untilRenewal, untilTry } from '../../../src/kube/lease/election-pace.ts';

const die = fc.double({ min: 0, max: 1, noNaN: true });

describe('pace of an election', () => {
  it('is a try each 2 s, a fifth less or more', () => {
    expect([0, 0.5, 1].map((random) => Math.round(untilTry(electionTimes, { asked: 0 }, random)))).toEqual([
      1600, 2000, 2400,
    ]);
  });

  it('waits as long as the server asks, but tries when the lease of another runs out', () => {
    expect(untilTry(electionTimes, { asked: 45_000 }, 0.5)).toBe(45_000);
    expect(untilTry(electionTimes, { asked: 0, heldMs: 700 }, 0.5)).toBe(700);
    expect(untilTry(electionTimes, { asked: 45_000, heldMs: 12_000 }, 0.5)).toBe(12_000);
  });

  it('whoever leads looks at its deadline at the latest, whatever the server asks and however late it is', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.nat(1e5), fc.nat(3e5), die, (renewedAt, passed, asked, random) => {
        const now = renewedAt + passed;
        const wait = untilRenewal(electionTimes, asked, renewedAt, now, random);
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThanOrEqual(untilDeadline(electionTimes, renewedAt, now));
        expect(now + wait).toBeLessThanOrEqual(Math.max(now, renewedAt + electionTimes.renewDeadlineMs));
      }),
    );
  });

  it('leaves time for a second try before the deadline, and for the deadline before others may take the lease', () => {
    const { durationSeconds, renewDeadlineMs } = electionTimes;
    expect(2 * untilTry(electionTimes, { asked: 0 }, 1)).toBeLessThan(renewDeadlineMs);
    expect(renewDeadlineMs).toBeLessThan(durationSeconds * 1000);
  });
});
