import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createQueue } from '../../../src/kube/reconcile/queue.ts';
import { manualClock } from '../../support/kube/manual-clock.ts';

/** What `take` gives when it need not wait; undefined when it would. */
async function takeNow(queue: ReturnType<typeof createQueue>): Promise<string | undefined> {
  if (queue.waiting === 0) return undefined;
  return queue.take();
}

describe('queue', () => {
  it('holds a key once', async () => {
    const queue = createQueue(manualClock());
    queue.add('a');
    queue.add('b');
    queue.add('a');
    expect(queue.waiting).toBe(2);
    expect([await queue.take(), await queue.take()]).toEqual(['a', 'b']);
  });

  it('does not hand out a key that is being worked on; re-added meanwhile it runs once more after', async () => {
    const queue = createQueue(manualClock());
    queue.add('a');
    expect(await queue.take()).toBe('a');
    queue.add('a');
    queue.add('a');
    expect(queue.waiting).toBe(0);
    queue.done('a');
    expect(queue.waiting).toBe(1);
    expect(await queue.take()).toBe('a');
    queue.done('a');
    expect(queue.waiting).toBe(0);
  });

  it('hands a key straight to one that waits', async () => {
    const queue = createQueue(manualClock());
    const first = queue.take();
    const second = queue.take();
    queue.add('a');
    queue.add('a');
    queue.add('b');
    expect([await first, await second]).toEqual(['a', 'b']);
  });

  it('of several delays takes the earliest', () => {
    const clock = manualClock();
    const queue = createQueue(clock);
    queue.addAfter('a', 100);
    queue.addAfter('a', 50);
    queue.addAfter('a', 200);
    clock.advance(49);
    expect(queue.waiting).toBe(0);
    clock.advance(1);
    expect(queue.waiting).toBe(1);
    clock.advance(1000);
    expect(queue.waiting).toBe(1);
  });

  it('backs off per key until it is forgotten', async () => {
    const clock = manualClock();
    const queue = createQueue(clock);
    const waits: number[] = [];
    for (let i = 0; i < 4; i++) {
      queue.addRateLimited('a');
      let ms = 0;
      while (queue.waiting === 0) {
        clock.advance(1);
        ms++;
      }
      waits.push(ms);
      queue.done((await queue.take()) ?? '');
    }
    expect(waits).toEqual([5, 10, 20, 40]);
    expect(queue.failures('b')).toBe(0);
    queue.forget('a');
    queue.addRateLimited('a');
    clock.advance(5);
    expect(queue.waiting).toBe(1);
  });

  it('waits at least as long as the server asked', () => {
    const clock = manualClock();
    const queue = createQueue(clock);
    queue.addRateLimited('a', 3000);
    clock.advance(2999);
    expect(queue.waiting).toBe(0);
    clock.advance(1);
    expect(queue.waiting).toBe(1);
  });

  it('lets news about a key that fails wait as long as the server asked, else for its back-off, 5 s at the most', () => {
    const waitOf = (failures: number, atLeast?: number): number => {
      const clock = manualClock();
      const queue = createQueue(clock);
      for (let i = 0; i < failures; i++) queue.addRateLimited('a', atLeast);
      queue.add('a');
      queue.addAfter('a', 1);
      while (queue.waiting === 0) clock.advance(1);
      return clock.now();
    };
    expect([waitOf(1), waitOf(4), waitOf(20)]).toEqual([5, 40, 5_000]);
    expect(waitOf(1, 30_000)).toBe(30_000);
  });

  it('a key that failed while news of it came is no exception; forgotten, it waits for nothing', async () => {
    const clock = manualClock();
    const queue = createQueue(clock);
    queue.add('a');
    await queue.take();
    queue.add('a');
    queue.addRateLimited('a', 3_000);
    queue.done('a');
    expect(queue.waiting).toBe(0);
    queue.forget('a');
    queue.add('a');
    expect(queue.waiting).toBe(1);
  });

  it('closed, ends what waits and drops what comes', async () => {
    const clock = manualClock();
    const queue = createQueue(clock);
    const taker = queue.take();
    queue.addAfter('a', 10);
    queue.close();
    queue.add('b');
    clock.advance(100);
    expect(await taker).toBeUndefined();
    expect(await queue.take()).toBeUndefined();
    expect(queue.waiting).toBe(0);
  });

  it('model: nothing is worked on twice at a time, nothing added is lost', async () => {
    const key = fc.constantFrom('a', 'b', 'c');
    const step = fc.oneof(
      fc.record({ op: fc.constant('add' as const), key }),
      fc.record({ op: fc.constant('addAfter' as const), key, ms: fc.integer({ min: 1, max: 20 }) }),
      fc.record({ op: fc.constant('take' as const) }),
      fc.record({ op: fc.constant('done' as const), key }),
      fc.record({ op: fc.constant('advance' as const), ms: fc.nat(30) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const clock = manualClock();
        const queue = createQueue(clock);
        const working = new Set<string>();
        /** The model: keys that wait or must wait again once done, and when delayed ones fall due. */
        const owed = new Set<string>();
        const delays = new Map<string, number>();
        const fallDue = (): void => {
          for (const [k, due] of delays) {
            if (due > clock.now()) continue;
            delays.delete(k);
            owed.add(k);
          }
        };
        const take = async (): Promise<boolean> => {
          const taken = await takeNow(queue);
          if (taken === undefined) {
            expect([...owed].filter((k) => !working.has(k))).toEqual([]);
            return false;
          }
          expect(working.has(taken)).toBe(false);
          expect(owed.delete(taken)).toBe(true);
          working.add(taken);
          return true;
        };
        for (const s of steps) {
          if (s.op === 'add') {
            queue.add(s.key);
            owed.add(s.key);
          } else if (s.op === 'addAfter') {
            queue.addAfter(s.key, s.ms);
            delays.set(s.key, Math.min(delays.get(s.key) ?? Infinity, clock.now() + s.ms));
          } else if (s.op === 'take') await take();
          else if (s.op === 'done') {
            if (working.delete(s.key)) queue.done(s.key);
          } else {
            clock.advance(s.ms);
            fallDue();
          }
        }
        clock.advance(1000);
        fallDue();
        do {
          for (const k of working) queue.done(k);
          working.clear();
        } while (await take());
        expect(owed.size).toBe(0);
      }),
    );
  });
});
