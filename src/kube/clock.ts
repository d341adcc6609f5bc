/** Time as the loops of this folder see it; tests pass one that they move by hand. */
export interface Clock {
  /** ms since the epoch. */
  readonly now: () => number;
  /** Calls `run` once after `ms`; the function that is returned calls it off. */
  readonly after: (ms: number, run: () => void) => () => void;
}

/** The process's own clock. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  };
}

/** A clock that nobody sets: `now` is ms since some moment, and never jumps. For time that has passed, not for dates. */
export function monotonicClock(): Clock {
  return { ...systemClock(), now: () => performance.now() };
}

/** Resolves when the signal is aborted, at once when it is already. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Resolves after `ms`, or at once when the signal is or becomes aborted. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(ms, end);
    signal.addEventListener('abort', end, { once: true });
  });
}
