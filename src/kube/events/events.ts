import { messageOf } from '../../api/message-of.ts';
import type { KubeObject } from '../../api/meta.ts';
import { type BackoffLimits, backoffDelay } from '../backoff.ts';
import { ApiError, isUnreachable, retryAfterMs } from '../calls/errors.ts';
import { type Clock, pause } from '../clock.ts';
import type { Logger } from '../logger.ts';
import { remember } from '../remember.ts';
import { createCorrelator, type News } from './correlator.ts';
import { type EventWriter, type Told, writeEvent } from './event.ts';

/** Tells news of objects as Events; never throws, never waits. */
export interface Recorder {
  record(about: KubeObject, news: News): void;
  /** News that are not written yet. */
  readonly waiting: number;
  /** Resolves when the signal was aborted and nothing is being written; what waits then is dropped. */
  readonly ended: Promise<void>;
}

export interface RecorderOptions extends EventWriter {
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Pending extends Told {
  news: News;
  times: number;
  last: number;
  tries: number;
}

/** News that wait for an API server that is away; of more the oldest are dropped. */
const longestQueue = 256;
/** Written events whose counts are known. */
const remembered = 1_024;
const retry: BackoffLimits = { base: 1_000, max: 60_000 };
/** An event that the server cannot take (a webhook that fails) does not hold up the others for ever. */
const mostTries = 8;

/**
 * Starts a recorder. The name of an event is made from what it says: said again, by whichever process and after whatever restart, it is
 * counted up and not made a second time.
 */
export function startRecorder(options: RecorderOptions): Recorder {
  const { clock, logger, signal } = options;
  const correlate = createCorrelator();
  const queue = new Map<string, Pending>();
  const counts = new Map<string, number>();
  let wake = Promise.withResolvers<void>();

  function record(about: KubeObject, news: News): void {
    if (signal.aborted) return;
    const now = clock.now();
    const { name, uid = name } = about.metadata;
    const told = correlate(uid, news, now);
    if (told === undefined) {
      return logger.debug({ object: name, reason: news.reason }, 'too many events of one object: dropped');
    }
    const before = queue.get(told.key);
    if (before === undefined) {
      const { key } = told;
      remember(queue, key, { key, about, news: told.news, times: 1, first: now, last: now, tries: 0 }, longestQueue);
    } else Object.assign(before, { news: told.news, times: before.times + 1, last: now });
    wake.resolve();
  }

  async function run(): Promise<void> {
    signal.addEventListener('abort', () => wake.resolve(), { once: true });
    while (!signal.aborted) {
      const [next] = queue.values();
      if (next === undefined) {
        wake = Promise.withResolvers();
        await wake.promise;
        continue;
      }
      queue.delete(next.key);
      const wait = await attempt(next);
      if (wait > 0) await pause(clock, wait, signal);
    }
  }

  /** @returns ms to wait before the next is tried */
  async function attempt(pending: Pending): Promise<number> {
    try {
      const count = await writeEvent(options, pending, counts.get(pending.key));
      remember(counts, pending.key, count, remembered);
      return 0;
    } catch (error) {
      if (signal.aborted || (error instanceof ApiError && error.reason === 'NotLeading')) return 0;
      pending.tries += 1;
      const away = isUnreachable(error);
      const fields = { object: pending.about.metadata.name, reason: pending.news.reason, err: messageOf(error) };
      if (!mayPass(error) || (pending.tries >= mostTries && !away)) {
        logger.warn(fields, 'an event was refused: dropped');
        return 0;
      }
      logger.debug(fields, 'an event could not be written: trying again');
      putBack(pending);
      return Math.max(Math.min(retryAfterMs(error), retry.max), backoffDelay(pending.tries, retry));
    }
  }

  /** In front of what has come since, with which it may be the same. */
  function putBack(pending: Pending): void {
    const since = [...queue.values()];
    const same = queue.get(pending.key);
    if (same !== undefined) {
      Object.assign(pending, { news: same.news, times: pending.times + same.times, last: same.last });
    }
    queue.clear();
    for (const one of [pending, ...since.filter(({ key }) => key !== pending.key)]) {
      remember(queue, one.key, one, longestQueue);
    }
  }

  return {
    record,
    get waiting() {
      return queue.size;
    },
    ended: run().catch((error: unknown) => {
      logger.error({ err: error }, 'events are not written any more: this is a bug');
    }),
  };
}

/** Whether the server may take it another time. */
function mayPass(error: unknown): boolean {
  return isUnreachable(error) || (error instanceof ApiError && (error.code === 429 || error.code >= 500));
}
