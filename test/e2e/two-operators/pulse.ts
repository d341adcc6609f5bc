import { setTimeout as sleep } from 'node:timers/promises';

/** How fast the machine is: a rest of fixed length and a small request, again and again. */
export interface Pulse {
  /** ms by which the beats between two moments (ms since 1970) took longer than their rests: next to none where nothing else runs. */
  readonly lost: (from: number, to: number) => number;
}

const restMs = 500;

/**
 * What a machine that is busy adds to a wait that ends with some requests, measured where and when it is: a bound on such a wait then
 * holds on every machine, and is as tight as it reads where there is nothing else to do.
 * @param ask a request like those that the wait ends with; what it is answered is no matter
 */
export function startPulse(ask: () => Promise<unknown>, signal: AbortSignal): Pulse {
  const beats: { readonly from: number; readonly to: number }[] = [];
  const beat = async (): Promise<void> => {
    while (!signal.aborted) {
      const from = Date.now();
      await sleep(restMs, undefined, { signal }).catch(() => undefined);
      await ask().catch(() => undefined);
      beats.push({ from, to: Date.now() });
    }
  };
  void beat();
  return {
    lost: (from, to) =>
      beats
        .filter((one) => one.to > from && one.from < to)
        .reduce((sum, one) => sum + Math.max(0, one.to - one.from - restMs), 0),
  };
}
