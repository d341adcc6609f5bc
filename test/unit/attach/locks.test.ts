import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createKeyedMutex } from '../../../src/daemon/attach/locks.ts';

test('work of one key runs one after the other in order, whatever fails; nothing is remembered afterwards', async () => {
  const jobs = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), fails: fc.boolean(), turns: fc.nat(3) }));
  await fc.assert(
    fc.asyncProperty(jobs, async (list) => {
      const mutex = createKeyedMutex();
      const running = new Set<string>();
      const done = new Map<string, number[]>();
      const outcomes = await Promise.allSettled(
        list.map(({ key, fails, turns }, index) =>
          mutex.run(key, async () => {
            expect(running.has(key)).toBe(false);
            running.add(key);
            for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
            running.delete(key);
            done.set(key, [...(done.get(key) ?? []), index]);
            if (fails) throw new Error(`job ${index}`);
            return index;
          }),
        ),
      );
      for (const [index, job] of list.entries()) {
        expect(outcomes[index]).toMatchObject(
          job.fails ? { status: 'rejected', reason: new Error(`job ${index}`) } : { status: 'fulfilled', value: index },
        );
      }
      for (const order of done.values()) expect(order).toEqual([...order].sort((a, b) => a - b));
      expect(mutex.size).toBe(0);
    }),
  );
});

test('different keys run side by side', async () => {
  const mutex = createKeyedMutex();
  const { promise, resolve } = Promise.withResolvers<void>();
  const waits = mutex.run('a', () => promise);
  await mutex.run('b', async () => resolve());
  await waits;
});
