import { messageOf } from '../../api/message-of.ts';
import type { KubeClient } from '../calls/client.ts';
import { retryAfterMs } from '../calls/errors.ts';
import { inNamespace, nameOf, resources } from '../calls/resource.ts';
import { type Clock, pause } from '../clock.ts';
import type { Logger } from '../logger.ts';
import { type ElectionTimes, electionTimes, untilDeadline, untilRenewal, untilTry } from './election-pace.ts';
import type { Leadership } from './leadership.ts';
import { createLeaseClient } from './lease-client.ts';

export interface ElectionOptions {
  /** One of its own: calls of the work do not hold up a renewal, nor does `leadership` refuse it. */
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  /** Another for each process. One that is the same after a restart takes its lease back at once. */
  readonly identity: string;
  readonly leadership: Leadership;
  /** Monotonic. */
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly times?: ElectionTimes;
  /** 0 … 1. */
  readonly random?: () => number;
}

/** One candidate: `win`, work while `lead` has not resolved, and again. */
export interface Election {
  /** Resolves when the lease is ours: true; false: the signal was aborted before. */
  win(): Promise<boolean>;
  /** Renews for as long as `work` runs; its signal is aborted when the lease is lost or the signal is. Resolves when it has ended. */
  lead(work: (signal: AbortSignal) => Promise<void>): Promise<void>;
}

export function createElection(options: ElectionOptions): Election {
  const { client, namespace, name, identity, leadership, clock, logger, signal } = options;
  const times = options.times ?? electionTimes;
  const random = options.random ?? Math.random;
  const lease = nameOf(inNamespace(resources.leases, namespace), name);
  const { durationSeconds, renewDeadlineMs } = times;
  const seat = createLeaseClient({ client, namespace, name, identity, durationSeconds, clock });
  let holder: string | undefined;
  let renewedAt = -Infinity;

  /** Takes or renews, if it can be; answers ms for which it is another's. */
  async function attempt(cut: AbortSignal): Promise<number | undefined> {
    const claimed = await seat.claim({ signal: cut, timeoutMs: renewDeadlineMs / 2 });
    if (claimed.kind === 'held') {
      leadership.end();
      if (holder !== claimed.by) logger.info({ lease, holder: claimed.by }, 'another leads: waiting');
      holder = claimed.by;
      return claimed.ms;
    }
    if (claimed.kind === 'ours' && !cut.aborted) {
      holder = identity;
      renewedAt = claimed.since;
      leadership.extend(renewedAt + renewDeadlineMs);
    }
    return undefined;
  }

  async function win(): Promise<boolean> {
    for (let failures = 0; !signal.aborted; ) {
      let heldMs: number | undefined;
      let asked = 0;
      try {
        heldMs = await attempt(signal);
        failures = 0;
      } catch (error) {
        failures += 1;
        asked = retryAfterMs(error);
        const fields = { lease, err: messageOf(error) };
        if (!signal.aborted && failures === 1) logger.warn(fields, 'cannot campaign: trying again');
      }
      if (leadership.holds()) {
        logger.info({ lease, identity }, 'leading');
        return true;
      }
      await pause(clock, untilTry(times, { asked, heldMs }, random()), signal);
    }
    return false;
  }

  async function lead(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const term = new AbortController();
    const stop = (): void => term.abort();
    if (signal.aborted) term.abort();
    signal.addEventListener('abort', stop, { once: true });
    const renewing = renew(term);
    try {
      await work(term.signal);
    } finally {
      signal.removeEventListener('abort', stop);
      term.abort();
      await renewing;
      await release();
    }
  }

  async function renew(term: AbortController): Promise<void> {
    let asked = 0;
    while (!term.signal.aborted) {
      await pause(clock, untilRenewal(times, asked, renewedAt, clock.now(), random()), term.signal);
      if (term.signal.aborted) return;
      // Whatever a renewal waits for: at the deadline all work is cut.
      const deadline = clock.after(untilDeadline(times, renewedAt, clock.now()), () => term.abort());
      try {
        asked = 0;
        if (leadership.holds()) await attempt(term.signal);
      } catch (error) {
        asked = retryAfterMs(error);
        if (!term.signal.aborted) logger.warn({ lease, err: messageOf(error) }, 'cannot renew: trying again');
      } finally {
        deadline();
      }
      if (!leadership.holds()) term.abort();
      if (term.signal.aborted && !signal.aborted) logger.warn({ lease, identity }, 'no longer leading');
    }
  }

  async function release(): Promise<void> {
    const led = leadership.holds();
    leadership.end();
    if (!led) return;
    try {
      await seat.release({ signal: AbortSignal.timeout(3_000), timeoutMs: 3_000 });
    } catch (error) {
      logger.info({ lease, err: messageOf(error) }, 'the lease was not released');
    }
  }

  return { win, lead };
}
