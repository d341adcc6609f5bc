import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { answerWithin, delegatesShare, timeOf, usualLimits } from '../../../src/daemon/attach/limits.ts';

/** Of src/shim/multi-nic.c: ADD_TOTAL_MS, DEL_ANSWER_MS. */
const shim = { add: 100_000, del: 30_000 };

test('the usual limits: whole ADD below 100 s and DEL below 30 s, undoing and looking included', () => {
  const add = timeOf('ADD', usualLimits);
  expect(add.answerMs).toBeLessThan(shim.add);
  expect(add.makeMs + delegatesShare(usualLimits) + usualLimits.lookMs).toBeLessThanOrEqual(add.answerMs);
  const del = timeOf('DEL', usualLimits);
  expect(delegatesShare(usualLimits) + usualLimits.lookMs).toBeLessThanOrEqual(del.answerMs);
  expect(del.answerMs).toBeLessThan(shim.del);
});

test('an answer always comes before the shim gives up, and making never takes the time for undoing', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('ADD', 'DEL', 'CHECK', 'GC', 'STATUS'),
      fc.integer({ min: 10, max: 100_000 }),
      (verb, left) => {
        const { answerMs, makeMs } = timeOf(verb, usualLimits, left);
        expect(answerMs).toBeLessThan(left);
        expect(makeMs).toBeGreaterThan(0);
        expect(answerMs - makeMs).toBeGreaterThanOrEqual(Math.min(usualLimits.undoMs, answerMs / 2) - 1);
      },
    ),
  );
});

test('STATUS, for which the shim waits 5 s in all, has time to ask a delegate', () => {
  expect(timeOf('STATUS', usualLimits, 4900).answerMs).toBeGreaterThan(2000);
});

test('what is late is answered for, told so, and its own failure later disturbs nobody', async () => {
  let told = false;
  const late = answerWithin('ADD of n/c/i', 10, async (over) => {
    await sleep(40);
    told = over.aborted;
    throw new Error('afterwards');
  });
  await expect(late).rejects.toMatchObject({ code: 11, message: expect.stringContaining('ADD of n/c/i is not done') });
  await sleep(60);
  expect(told).toBe(true);
  expect(await answerWithin('x', 1000, async () => 5)).toBe(5);
});
