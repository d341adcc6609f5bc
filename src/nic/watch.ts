import { setTimeout as sleep } from 'node:timers/promises';
import type { Nic } from '../api/host.ts';
import { type DiscoveryOptions, discoverNics } from './discovery.ts';
import { withLent } from './lent.ts';

export interface WatchNicsOptions extends DiscoveryOptions {
  /** NICs that are lent, as they were. */
  readonly lent?: () => Iterable<{ readonly nic?: Nic }>;
  /** The whole list, first once it is known, then whenever it is another. */
  readonly onChange: (nics: readonly Nic[]) => void;
  /** A scan failed; the next comes all the same. */
  readonly onError: (error: unknown) => void;
  readonly signal: AbortSignal;
  /** Between two scans at least, ms: pods come and go in bursts, and each wakes. */
  readonly pauseMs?: number;
  /** A scan without being woken, ms. */
  readonly rescanMs?: number;
}

/** After a scan that failed, ms. */
const retryMs = 2000;

/** Keeps the list of the pool's NICs up to date, by kernel events and a slow rescan, until the signal ends it. */
export function watchNics(options: WatchNicsOptions): void {
  const { kernel, onChange, onError, signal, lent = () => [], pauseMs = 500, rescanMs = 30_000 } = options;
  let known: string | undefined;
  let woken = Promise.withResolvers<void>();

  const scan = async (): Promise<void> => {
    // Before the look and after it: one that goes or comes back in between is seen in neither place, or is not what it was.
    const before = Array.from(lent());
    const found = await discoverNics(options);
    const nics = withLent(found.nics, new Set([...before, ...lent()]));
    const print = fingerprint(nics);
    if (print === known || signal.aborted) return;
    known = print;
    onChange(nics);
  };
  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      woken = Promise.withResolvers();
      const failed = await scan().then(
        () => false,
        (error: unknown) => {
          // The next list is news, though it be the same: it ends the trouble.
          known = undefined;
          onError(error);
          return true;
        },
      );
      await sleep(pauseMs, undefined, { signal });
      await wokenOrLate(woken.promise, failed ? Math.min(retryMs, rescanMs) : rescanMs, signal);
    }
  };
  kernel.watch(() => woken.resolve(), signal);
  loop().catch((error: unknown) => {
    if (!signal.aborted) onError(error);
  });
}

async function wokenOrLate(woken: Promise<void>, ms: number, signal: AbortSignal): Promise<void> {
  const late = new AbortController();
  try {
    const timer = sleep(ms, undefined, { signal: AbortSignal.any([signal, late.signal]) });
    await Promise.race([woken, timer.catch(() => undefined)]);
  } finally {
    late.abort();
  }
}

/** Equal exactly for equal lists; JSON has no bigint. */
function fingerprint(nics: readonly Nic[]): string {
  return JSON.stringify(nics, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
}
