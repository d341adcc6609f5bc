import { describe, expect, it } from 'vitest';
import { closingLine, type Outcome, summarize } from '../../support/summary.ts';

const passed = (name: string): Outcome => ({ file: 'test/unit/a.test.ts', name, state: 'passed' });
const skipped = (name: string, note?: string): Outcome => ({
  file: 'test/component/b.test.ts',
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
    expect(summary.notRun).toEqual([
      'test/component/b.test.ts > one and 1 more: no ipvlan',
      'test/component/b.test.ts > c: no root',
    ]);
  });

  it('fails when a required test was skipped', () => {
    const summary = summarize([passed('macvlan pings'), skipped('ipvlan l3 pings', 'no kernel')], {
      required: ['ipvlan'],
      reasons: false,
    });
    expect(closingLine(summary)).toBe('1 passed, 1 failed, 1 skipped');
    expect(summary.broken).toEqual([
      'test/component/b.test.ts > ipvlan l3 pings: could run here but did not (no kernel)',
    ]);
  });

  it('fails when no component test speaks of what is required', () => {
    const required = ['ipvlan'];
    const passedIn = (file: string): Outcome => ({ file, name: 'IPVLAN l2', state: 'passed' });
    expect(summarize([passedIn('test/unit/x.test.ts')], { required, reasons: false }).failed).toBe(1);
    expect(summarize([passedIn('test/component/x.test.ts')], { required, reasons: false }).failed).toBe(0);
  });

  it('fails when a test was skipped for want of what is required, whatever its name', () => {
    const outcomes = [passed('x'), skipped('pings go on', 'this kernel has no ipvlan')];
    expect(summarize(outcomes, { required: ['ipvlan'], reasons: false }).failed).toBe(1);
  });

  it('fails for a skip without a reason only where reasons are asked for', () => {
    expect(summarize([skipped('x')], nothing).failed).toBe(0);
    expect(summarize([skipped('x')], { required: [], reasons: true }).broken).toEqual([
      'test/component/b.test.ts > x: skipped, gives no reason',
    ]);
  });
});
