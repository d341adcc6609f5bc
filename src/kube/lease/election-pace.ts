/** A little under client-go's defaults, so that a hand-over stays below 20 s on a busy machine: the gap between deadline and duration is what clocks and requests in flight may differ by. */
export interface ElectionTimes {
  /** s that others wait after the last change that they saw. */
  readonly durationSeconds: number;
  /** ms after the start of the last renewal that succeeded until which we lead. */
  readonly renewDeadlineMs: number;
  /** ms between tries, ± 20 %. */
  readonly retryMs: number;
}

export const electionTimes: ElectionTimes = { durationSeconds: 12, renewDeadlineMs: 8_000, retryMs: 2_000 };

/** What the last try came to. */
export interface LastTry {
  /** ms that the server asked to wait at least; 0: it did not. */
  readonly asked: number;
  /** ms until another's lease runs out, if he renews it no more; undefined: nobody is known to hold it. */
  readonly heldMs?: number | undefined;
}

/**
 * ms until the next try of who campaigns: at the end of another's lease at the latest.
 * @param random 0 … 1
 */
export function untilTry({ retryMs }: ElectionTimes, { asked, heldMs = Infinity }: LastTry, random: number): number {
  return Math.min(Math.max(asked, retryMs * (0.8 + random * 0.4)), heldMs);
}

/**
 * ms until the next renewal of who leads: at its deadline at the latest, whatever the server asks, since then all work is cut.
 * @param renewedAt start of the last renewal that succeeded; ms of the same clock as `now`
 * @param random 0 … 1
 */
export function untilRenewal(
  times: ElectionTimes,
  asked: number,
  renewedAt: number,
  now: number,
  random: number,
): number {
  return untilTry(times, { asked, heldMs: untilDeadline(times, renewedAt, now) }, random);
}

/** ms until who leads may write no more; 0: the deadline has passed. */
export function untilDeadline({ renewDeadlineMs }: ElectionTimes, renewedAt: number, now: number): number {
  return Math.max(0, renewedAt + renewDeadlineMs - now);
}
