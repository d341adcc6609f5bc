import type { Clock } from '../../../src/kube/clock.ts';

const longestTimeout = 2 ** 31 - 1;

/**
 * A clock that runs `factor` times as fast as the real one when it begins, half as fast after `slackMs` real ms, a third as fast after
 * twice that, and so on. Waits of loops end sooner, in the order in which they would; and limits that are short on a quiet machine grow
 * until a busy one, which is not done by then, meets them too.
 */
export function fastClock(factor: number, slackMs = 3_600_000): Clock {
  const start = Date.now();
  const scale = factor * slackMs;
  const passed = (real: number): number => scale * Math.log1p(real / slackMs);
  const real = (fast: number): number => slackMs * Math.expm1(fast / scale);
  return {
    now: () => start + passed(Date.now() - start),
    after: (ms, run) => {
      const now = Date.now() - start;
      const timer = setTimeout(run, Math.min(real(passed(now) + ms) - now, longestTimeout));
      return () => clearTimeout(timer);
    },
  };
}
