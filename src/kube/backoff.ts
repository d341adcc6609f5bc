/** Delays grow from `base` by doubling up to `max`, both in ms. */
export interface BackoffLimits {
  readonly base: number;
  readonly max: number;
}

/** Of one item that a controller could not reconcile. */
export const itemBackoff: BackoffLimits = { base: 5, max: 60_000 };

/** Of a list or watch that failed. */
export const watchBackoff: BackoffLimits = { base: 250, max: 30_000 };

/** ms to wait after that many failures in a row (1, 2, …), without jitter; 0 failures: 0. */
export function backoffDelay(failures: number, limits: BackoffLimits): number {
  if (failures <= 0) return 0;
  // 2 ** 60 is far above any max and keeps the product finite.
  return Math.min(limits.max, limits.base * 2 ** Math.min(failures - 1, 60));
}

/**
 * Spreads a delay over its upper half, so that many clients that failed together do not return together.
 * @param random 0 … 1
 */
export function jitter(delay: number, random: number): number {
  return delay * (0.5 + random / 2);
}
