import { messageOf } from '../api/message-of.ts';
import type { KubeClient } from './client.ts';
import { type Clock, pause } from './clock.ts';
import { isAlreadyExists, isConflict, isNotFound, retryAfterMs } from './errors.ts';
import type { Leadership } from './leadership.ts';
import { claim, type Lease, released, type Sighting, sight } from './lease.ts';
import type { Logger } from './logger.ts';
import { inNamespace, nameOf, resources } from './resource.ts';

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
  const ref = inNamespace(resources.leases, namespace);
  const what = nameOf(ref, name);
  let seen: Sighting | undefined;
  let holder: string | undefined;
  let renewedAt = -Infinity;

  /** Takes or renews, if it can be; answers ms until the next try makes sense when it is another's. */
  async function attempt(cut: AbortSignal): Promise<number | undefined> {
    const call = { signal: cut, timeoutMs: times.renewDeadlineMs / 2 };
    // Our own last word need not be read again: PUT over its version says whether it still stands.
    if (seen?.lease.spec?.holderIdentity !== identity) await look(call);
    const started = clock.now();
    const next = claim(identity, seen, started, new Date(), times.durationSeconds);
    if (next.kind === 'held') {
      leadership.end();
      if (holder !== next.by) logger.info({ lease: what, holder: next.by }, 'another leads: waiting');
      holder = next.by;
      return next.ms;
    }
    const metadata = seen?.lease.metadata ?? { name, namespace };
    const object: Lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec: next.spec };
    try {
      const answer = await (seen === undefined ? client.create(ref, object, call) : client.replace(ref, object, call));
      seen = sight(seen, answer, clock.now());
    } catch (error) {
      if (!isConflict(error) && !isAlreadyExists(error) && !isNotFound(error)) throw error;
      await look(call);
      return undefined;
    }
    if (cut.aborted) return undefined;
    holder = identity;
    renewedAt = started;
    leadership.extend(started + times.renewDeadlineMs);
    return undefined;
  }

  async function look(call: { signal: AbortSignal; timeoutMs: number }): Promise<void> {
    try {
      seen = sight(seen, await client.get<Lease>(ref, name, call), clock.now());
    } catch (error) {
      if (!isNotFound(error)) throw error;
      seen = undefined;
    }
  }

  /** ms until the next try; later when the server asks for it. */
  const retry = (asked: number): number => Math.max(asked, times.retryMs * (0.8 + random() * 0.4));

  async function win(): Promise<boolean> {
    for (let failures = 0; !signal.aborted; ) {
      let held: number | undefined;
      let asked = 0;
      try {
        held = await attempt(signal);
        failures = 0;
      } catch (error) {
        failures += 1;
        asked = retryAfterMs(error);
        const fields = { lease: what, err: messageOf(error) };
        if (!signal.aborted && failures === 1) logger.warn(fields, 'cannot campaign: trying again');
      }
      if (leadership.holds()) {
        logger.info({ lease: what, identity }, 'leading');
        return true;
      }
      await pause(clock, Math.min(retry(asked), held ?? Infinity), signal);
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
      const rest = renewedAt + times.renewDeadlineMs - clock.now();
      await pause(clock, Math.min(retry(asked), Math.max(0, rest)), term.signal);
      if (term.signal.aborted) return;
      // Whatever a renewal waits for: at the deadline all work is cut.
      const deadline = clock.after(Math.max(0, renewedAt + times.renewDeadlineMs - clock.now()), () => term.abort());
      try {
        asked = 0;
        if (leadership.holds()) await attempt(term.signal);
      } catch (error) {
        asked = retryAfterMs(error);
        if (!term.signal.aborted) logger.warn({ lease: what, err: messageOf(error) }, 'cannot renew: trying again');
      } finally {
        deadline();
      }
      if (!leadership.holds()) term.abort();
      if (term.signal.aborted && !signal.aborted) logger.warn({ lease: what, identity }, 'no longer leading');
    }
  }

  /** Over the version that we saw last: of a lease that is another's by now nothing changes. */
  async function release(): Promise<void> {
    const led = leadership.holds();
    leadership.end();
    if (!led) return;
    const call = { signal: AbortSignal.timeout(3_000), timeoutMs: 3_000 };
    try {
      await putReleased(call).catch(async (error: unknown) => {
        // A renewal that was cut short may have been written all the same.
        if (!isConflict(error)) throw error;
        await look(call);
        await putReleased(call);
      });
    } catch (error) {
      logger.info({ lease: what, err: messageOf(error) }, 'the lease was not released');
    }
  }

  async function putReleased(call: { signal: AbortSignal; timeoutMs: number }): Promise<void> {
    if (seen?.lease.spec?.holderIdentity !== identity) return;
    const lease: Lease = { ...seen.lease, spec: released(seen.lease.spec, new Date()) };
    seen = sight(seen, await client.replace(ref, lease, call), clock.now());
  }

  return { win, lead };
}
