import type { Clock } from '../clock.ts';

/**
 * Whether this process leads right now. It is asked before each write (ClientOptions.mayWrite), and does not depend on a timer
 * having run: a process that was stopped for longer than its lease finds out at its first write.
 */
export interface Leadership {
  holds(): boolean;
  /** Begins, or goes on, until that time (ms of the monotonic clock). */
  extend(until: number): void;
  end(): void;
}

/** @param clock monotonic */
export function createLeadership(clock: Clock): Leadership {
  let until = -Infinity;
  return {
    holds: () => clock.now() < until,
    extend: (time) => {
      until = time;
    },
    end: () => {
      until = -Infinity;
    },
  };
}
