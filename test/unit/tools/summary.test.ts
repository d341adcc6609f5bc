import { describe, expect, it } from 'vitest';
import { closingLine, type Outcome, summarize } from '../../support/summary.ts';

const passed = (name: string): Outcome => ({ file: 'a.test.ts', name, state: 'passed' });
const skipped = (name: string, note?: string): Outcome => ({
  file: 'b.test.ts',
  name,
  state: 'skipped',
  ...(note === undefined ? {} : { note }),
});
const nothing = { required: [], reasons: false };

describe('summary of a test run', () => {
  it('counts, and names each file and reason that kept tests from running once', () => {
    const summary = summarize(
      [passed('x'), skipped('one', 'no ipvlan'), skipped('two', 'no ipvlan'), skipped('c', 'no root')],
      nothing,
    );
    expect(closingLine(summary)).toBe('1 passed, 0 failed, 3 skipped');
    expect(summary.notRun).toEqual(['b.test.ts > one and 1 more: no ipvlan', 'b.test.ts > c: no root']);
  });

  it('fails when a required test was skipped', () => {
    const summary = summarize([passed('macvlan pings'), skipped('ipvlan l3 pings', 'no kernel')], {
      required: ['ipvlan'],
      reasons: false,
    });
    expect(closingLine(summary)).toBe('1 passed, 1 failed, 1 skipped');
    expect(summary.broken).toEqual(['b.test.ts > ipvlan l3 pings: could run here but did not (no kernel)']);
  });

  it('fails when no test speaks of what is required', () => {
    expect(summarize([passed('x')], { required: ['ipvlan'], reasons: false }).failed).toBe(1);
    expect(summarize([passed('IPVLAN l2')], { required: ['ipvlan'], reasons: false }).failed).toBe(0);
  });

  it('fails for a skip without a reason only where reasons are asked for', () => {
    expect(summarize([skipped('x')], nothing).failed).toBe(0);
    expect(summarize([skipped('x')], { required: [], reasons: true }).broken).toEqual([
      'b.test.ts > x: skipped, gives no reason',
    ]);
  });
});
