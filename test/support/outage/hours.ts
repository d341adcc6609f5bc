import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../../src/kube/clock.ts';
import { manualClock } from '../kube/manual-clock.ts';
import { type Wire, watchWire } from './wire.ts';

/** Hours that pass in seconds: loops wait by `clock`, which moves on only when nothing is left to be done at the time it shows. */
export interface Hours {
  readonly clock: Clock;
  readonly wire: Wire;
  /** Counts the promises that the methods of an object answer with: time waits for them too. */
  track<T extends object>(target: T): T;
  /** Nothing that was sent is without an answer, but for those that the server keeps waiting. */
  settled(): Promise<void>;
  /** @throws Error when something goes round without letting time pass */
  pass(ms: number): Promise<void>;
  close(): void;
}

/** Events on the wire without time passing: no storm of honest work comes near. */
const tooMany = 20_000;
/** Turns of the event loop in a row in which nothing happened: client and server are one process, and neither has anything to do. */
const quietTurns = 12;

/** @param held how many requests the server keeps waiting */
export function createHours(held: () => number): Hours {
  const clock = manualClock(Date.UTC(2026, 0, 1));
  const wire = watchWire(() => clock.now());
  let pending = 0;
  let done = 0;

  async function settled(): Promise<void> {
    const before = wire.events;
    let seen = -1;
    for (let quiet = 0; quiet < quietTurns; ) {
      await turn();
      const now = wire.events + done;
      quiet = now === seen && pending === 0 && wire.waiting <= held() ? quiet + 1 : 0;
      seen = now;
      if (wire.events - before > tooMany) throw new Error(`${tooMany} events on the wire, and no time passes`);
    }
  }

  return {
    clock,
    wire,
    track: (target) =>
      new Proxy(target, {
        get(object, name, receiver) {
          const value: unknown = Reflect.get(object, name, receiver);
          if (typeof value !== 'function') return value;
          return (...args: unknown[]): unknown => {
            const answer: unknown = Reflect.apply(value, object, args);
            if (!(answer instanceof Promise)) return answer;
            pending += 1;
            return answer.finally(() => {
              pending -= 1;
              done += 1;
            });
          };
        },
      }),
    settled,
    async pass(ms) {
      const end = clock.now() + ms;
      for (;;) {
        await settled();
        const due = clock.nextDue();
        if (due === undefined || due > end) break;
        clock.advance(due - clock.now());
      }
      clock.advance(end - clock.now());
      await settled();
    },
    close: () => wire.close(),
  };
}
