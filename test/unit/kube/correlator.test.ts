import { describe, expect, it } from 'vitest';
import { createCorrelator, type News } from '../../../src/kube/events/correlator.ts';

const limits = { burst: 3, refillMs: 1_000, similar: 2, similarMs: 10_000, remembered: 10 };
const news = (message: string, reason = 'Invalid'): News => ({ type: 'Warning', reason, message });

describe('event correlator', () => {
  it('gives equal news of one object one key, and others another', () => {
    const correlate = createCorrelator();
    const key = (uid: string, what: News) => correlate(uid, what, 0)?.key;
    expect(key('a', news('x'))).toBe(key('a', news('x')));
    const keys = [key('a', news('x')), key('b', news('x')), key('a', news('y')), key('a', news('x', 'Other'))];
    expect(new Set(keys).size).toBe(4);
    // After a restart the same: the name of the Event hangs on it.
    expect(createCorrelator()('a', news('x'), 99)?.key).toBe(keys[0]);
  });

  it('holds each object to its burst, and lets it tell again with time', () => {
    const correlate = createCorrelator(limits);
    const told = (uid: string, now: number) => correlate(uid, news('x'), now) !== undefined;
    expect([1, 2, 3, 4].map(() => told('a', 0))).toEqual([true, true, true, false]);
    expect(told('b', 0)).toBe(true);
    expect(correlate('a', { ...news('x'), type: 'Normal' }, 0)).toBeDefined();
    expect(told('a', 500)).toBe(false);
    expect([told('a', 1_000), told('a', 1_000)]).toEqual([true, false]);
  });

  it('puts many messages of one reason into one event', () => {
    const correlate = createCorrelator({ ...limits, burst: 100 });
    const [, , third, fourth] = ['1', '2', '3', '4'].map((message) => correlate('a', news(message), 0));
    expect(third?.news.message).toBe('(combined from similar events): 3');
    expect(fourth?.key).toBe(third?.key);
    // What was told by itself stays so; another reason is another matter; after a silence it begins anew.
    expect(correlate('a', news('1'), 0)?.news.message).toBe('1');
    expect(correlate('a', news('5', 'Other'), 0)?.news.message).toBe('5');
    expect(correlate('a', news('6'), 20_000)?.news.message).toBe('6');
  });

  it('remembers a bounded number of objects', () => {
    const correlate = createCorrelator({ ...limits, remembered: 2 });
    for (let times = 0; times < 3; times += 1) correlate('a', news('x'), 0);
    expect(correlate('a', news('x'), 0)).toBeUndefined();
    for (const uid of ['b', 'c']) correlate(uid, news('x'), 0);
    expect(correlate('a', news('x'), 0)).toBeDefined();
  });
});
