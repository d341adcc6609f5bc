import { type BackoffLimits, backoffDelay, itemBackoff } from '../backoff.ts';
import type { Clock } from '../clock.ts';

/**
 * Keys to work on. A key waits at most once; one that is being worked on is not handed out again until it is done, and one that
 * was added meanwhile then waits again (the rules of client-go's workqueue).
 */
export interface Queue {
  add(key: string): void;
  /** Adds it after `ms`; of several delays for one key the earliest counts. */
  addAfter(key: string, ms: number): void;
  /**
   * Adds it after its back-off, which grows with each call until `forget`, or after `atLeast` ms if that is longer. News about a key
   * that fails are no reason to hammer: until then `add` brings it back no sooner than after `atLeast`, nor than 5 s or the back-off.
   */
  addRateLimited(key: string, atLeast?: number): void;
  /** Its back-off starts anew. */
  forget(key: string): void;
  failures(key: string): number;
  /** The next key, marked as being worked on; waits for one; undefined once the queue is closed. */
  take(): Promise<string | undefined>;
  /** Ends the work on a key that `take` gave. */
  done(key: string): void;
  /** Keys that wait now (delayed ones not counted). */
  readonly waiting: number;
  /** Ends all `take`s and timers; what is added later is dropped. */
  close(): void;
}

/** What has failed is looked at again for news after this at the latest, unless the server asked for more. */
const newsAfterMs = 5_000;

interface Delayed {
  readonly due: number;
  readonly cancel: () => void;
}

export function createQueue(clock: Clock, limits: BackoffLimits = itemBackoff): Queue {
  const waiting = new Set<string>();
  const working = new Set<string>();
  const again = new Set<string>();
  const delayed = new Map<string, Delayed>();
  const failures = new Map<string, number>();
  /** Of keys that failed: when news about them may be looked at. */
  const notBefore = new Map<string, number>();
  const takers: ((key: string | undefined) => void)[] = [];
  let closed = false;

  function hand(key: string, taker: (key: string) => void): void {
    working.add(key);
    taker(key);
  }

  function add(key: string): void {
    if (closed) return;
    const rest = restOf(key);
    if (rest > 0 && !working.has(key)) return delay(key, rest);
    if (working.has(key)) {
      again.add(key);
      return;
    }
    const taker = takers.shift();
    if (taker === undefined) waiting.add(key);
    else hand(key, taker);
  }

  function restOf(key: string): number {
    return (notBefore.get(key) ?? -Infinity) - clock.now();
  }

  function addAfter(key: string, ms: number): void {
    if (closed) return;
    if (ms <= 0) return add(key);
    delay(key, Math.max(ms, restOf(key)));
  }

  function delay(key: string, ms: number): void {
    const due = clock.now() + ms;
    const earlier = delayed.get(key);
    if (earlier !== undefined) {
      if (earlier.due <= due) return;
      earlier.cancel();
    }
    const cancel = clock.after(ms, () => {
      delayed.delete(key);
      add(key);
    });
    delayed.set(key, { due, cancel });
  }

  return {
    add,
    addAfter,
    addRateLimited: (key, atLeast = 0) => {
      const count = (failures.get(key) ?? 0) + 1;
      failures.set(key, count);
      const backoff = backoffDelay(count, limits);
      notBefore.set(key, clock.now() + Math.max(atLeast, Math.min(backoff, newsAfterMs)));
      addAfter(key, Math.max(atLeast, backoff));
    },
    forget: (key) => {
      failures.delete(key);
      notBefore.delete(key);
    },
    failures: (key) => failures.get(key) ?? 0,
    take: () => {
      if (closed) return Promise.resolve(undefined);
      for (const key of waiting) {
        waiting.delete(key);
        return new Promise((resolve) => hand(key, resolve));
      }
      return new Promise((resolve) => takers.push(resolve));
    },
    done: (key) => {
      working.delete(key);
      if (again.delete(key)) add(key);
    },
    get waiting() {
      return waiting.size;
    },
    close: () => {
      closed = true;
      for (const { cancel } of delayed.values()) cancel();
      delayed.clear();
      waiting.clear();
      again.clear();
      for (const taker of takers.splice(0)) taker(undefined);
    },
  };
}
