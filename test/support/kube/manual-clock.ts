import type { Clock } from '../../../src/kube/clock.ts';

export interface ManualClock extends Clock {
  /** Moves time on, running what falls due in order. */
  advance(ms: number): void;
  /** When the next timer falls due; undefined: there is none. */
  nextDue(): number | undefined;
}

export function manualClock(start = 0): ManualClock {
  let now = start;
  let next = 0;
  const timers = new Map<number, { readonly due: number; readonly run: () => void }>();
  return {
    now: () => now,
    after: (ms, run) => {
      const id = next++;
      timers.set(id, { due: now + ms, run });
      return () => timers.delete(id);
    },
    nextDue: () => (timers.size === 0 ? undefined : Math.min(...[...timers.values()].map(({ due }) => due))),
    advance: (ms) => {
      const end = now + ms;
      for (;;) {
        const [first] = [...timers].filter(([, t]) => t.due <= end).sort((a, b) => a[1].due - b[1].due || a[0] - b[0]);
        if (first === undefined) break;
        timers.delete(first[0]);
        now = Math.max(now, first[1].due);
        first[1].run();
      }
      now = end;
    },
  };
}
