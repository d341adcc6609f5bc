import { describe, expect, it } from 'vitest';
import { ApiError } from '../../../src/kube/calls/errors.ts';
import { silent } from '../../../src/kube/logger.ts';
import { type ControllerOptions, runController } from '../../../src/kube/reconcile/controller.ts';
import { createQueue } from '../../../src/kube/reconcile/queue.ts';
import { manualClock } from '../../support/kube/manual-clock.ts';

/** Lets everything that is ready run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function start(
  reconcile: (key: string) => Promise<{ after: number } | undefined>,
  workers = 1,
  onReconciled: ControllerOptions['onReconciled'] = () => undefined,
) {
  const clock = manualClock();
  const queue = createQueue(clock);
  const stop = new AbortController();
  const ended = runController({
    name: 'test',
    queue,
    clock,
    workers,
    reconcile,
    onReconciled,
    logger: silent,
    signal: stop.signal,
  });
  return { clock, queue, stop, ended };
}

describe('controller', () => {
  it('tries again what failed, and lets no key hold up another', async () => {
    const seen: string[] = [];
    let broken = true;
    const { clock, queue, stop, ended } = start((key) => {
      seen.push(key);
      // Thrown synchronously on purpose.
      if (key === 'bad' && broken) throw new TypeError('bug');
      return Promise.resolve(undefined);
    });
    queue.add('bad');
    queue.add('good');
    await settle();
    expect(seen).toEqual(['bad', 'good']);
    clock.advance(5);
    await settle();
    clock.advance(9);
    await settle();
    expect(seen).toEqual(['bad', 'good', 'bad']);
    broken = false;
    clock.advance(1);
    await settle();
    clock.advance(100_000);
    await settle();
    expect(seen).toEqual(['bad', 'good', 'bad', 'bad']);
    stop.abort();
    await ended;
  });

  it('comes again when asked to, and waits as long as the server says', async () => {
    const seen: number[] = [];
    let answer: () => Promise<{ after: number } | undefined> = () => Promise.resolve({ after: 1000 });
    const { clock, queue, stop, ended } = start(() => {
      seen.push(clock.now());
      return answer();
    });
    queue.add('a');
    await settle();
    answer = () => Promise.reject(new ApiError(429, 'TooManyRequests', 'slow down', 7));
    clock.advance(1000);
    await settle();
    answer = () => Promise.resolve(undefined);
    clock.advance(10_000);
    await settle();
    expect(seen).toHaveLength(3);
    expect(seen.slice(0, 2)).toEqual([0, 1000]);
    stop.abort();
    await ended;
  });

  it('tells what each came to: a conflict is no error', async () => {
    const outcomes: Record<string, () => Promise<undefined>> = {
      good: () => Promise.resolve(undefined),
      late: () => Promise.reject(new ApiError(409, 'Conflict', 'another was faster')),
      bad: () => Promise.reject(new TypeError('bug')),
    };
    const told: string[] = [];
    const { queue, stop, ended } = start(
      (key) => outcomes[key]?.() ?? Promise.resolve(undefined),
      1,
      (result) => told.push(result),
    );
    for (const key of Object.keys(outcomes)) queue.add(key);
    await settle();
    await settle();
    expect(told).toEqual(['ok', 'conflict', 'error']);
    stop.abort();
    await ended;
  });

  it('stopped, lets the running one finish', async () => {
    const gate = Promise.withResolvers<undefined>();
    const { queue, stop, ended } = start(() => gate.promise);
    queue.add('a');
    await settle();
    stop.abort();
    let over = false;
    void ended.then(() => (over = true));
    await settle();
    expect(over).toBe(false);
    gate.resolve(undefined);
    await ended;
  });

  it('never works on one key twice at a time, with many workers', async () => {
    let running = 0;
    let most = 0;
    const { queue, stop, ended } = start(async () => {
      running++;
      most = Math.max(most, running);
      await settle();
      running--;
      return undefined;
    }, 4);
    for (let i = 0; i < 20; i++) {
      queue.add('a');
      await settle();
    }
    expect(most).toBe(1);
    stop.abort();
    await ended;
  });
});
