import { messageOf } from '../api/message-of.ts';
import type { KubeObject } from '../api/meta.ts';
import { backoffDelay, jitter, watchBackoff } from './backoff.ts';
import { type CacheView, type Change, compareVersions, createCache, type Versioned } from './cache.ts';
import type { KubeClient, ListPage } from './client.ts';
import { type Clock, pause, systemClock } from './clock.ts';
import { isApiError, isGone, retryAfterMs } from './errors.ts';
import type { Logger } from './logger.ts';
import { nameOf, type ResourceRef } from './resource.ts';
import { type WatchEvent, watchOnce } from './watch.ts';

/** A local copy of one resource, kept current by list and watch for as long as its signal is not aborted. */
export interface Reflector<T> extends CacheView<T> {
  /** Resolves once the first list is in and its handlers have run; never rejects (an unreachable API is retried for ever). */
  readonly synced: Promise<void>;
  readonly hasSynced: boolean;
  /** ms since the epoch at which the server last answered a list or sent a line of the watch; undefined: never yet. */
  readonly lastHeard: number | undefined;
  /** Adds a handler; it is called for what is known already, then for each change, in order. */
  onChange(handler: (change: Change<T>) => void): void;
  /** Takes the answer to a write of ours before the watch brings it. */
  learn(object: KubeObject): void;
  /** Lists the newest state; resolves once the copy is at least as new as the server was at the call, and its handlers have run. */
  catchUp(): Promise<void>;
  /** Resolves when the signal was aborted and all is closed. */
  readonly ended: Promise<void>;
}

export interface ReflectorOptions<T> {
  readonly client: KubeClient;
  readonly ref: ResourceRef;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** What is kept of each object: memory grows with it. */
  readonly project: (object: KubeObject) => T;
  /** Values that differ in nothing that matters; handlers are not called for an update between them. */
  readonly same?: (a: T, b: T) => boolean;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly clock?: Clock;
  /** 0 … 1. */
  readonly random?: () => number;
  /** ms of silence after which a watch is given up (default 150,000: two bookmark periods and a half). */
  readonly idleMs?: number;
  readonly pageSize?: number;
  /**
   * ms after which a list is taken again, at the end of a watch, though nothing has failed (default 3,600,000; half to all of it): what
   * an event that never came has left wrong does not stay for ever. Infinity: never.
   */
  readonly verifyMs?: number;
}

/** A watch that lived this long was a healthy one: its end starts no back-off. */
const healthyMs = 5_000;

/**
 * Starts a reflector: lists in pages from the server's cache, then watches with bookmarks and goes on from the newest version seen,
 * whatever breaks; only a version that is too old (410) makes it list again.
 */
export function startReflector<T>(options: ReflectorOptions<T>): Reflector<T> {
  const { client, ref, signal, logger } = options;
  const clock = options.clock ?? systemClock();
  const random = options.random ?? Math.random;
  const cache = createCache<T>(options.same);
  const handlers: ((change: Change<T>) => void)[] = [];
  const synced = Promise.withResolvers<void>();
  const what = nameOf(ref);
  let hasSynced = false;
  let lastHeard: number | undefined;
  /** Cuts what is under way for a list of the newest state. */
  let cut = new AbortController();
  /** Of those who wait for it. */
  let caughtUp: PromiseWithResolvers<void> | undefined;

  const versioned = (object: KubeObject): Versioned<T> => ({
    key: keyOf(object),
    version: object.metadata.resourceVersion ?? '0',
    value: options.project(object),
  });

  function report(change: Change<T> | undefined): void {
    if (change === undefined) return;
    for (const handler of handlers) call(handler, change);
  }

  function call(handler: (change: Change<T>) => void, change: Change<T>): void {
    try {
      handler(change);
    } catch (error) {
      logger.error({ err: error, resource: what, key: change.key }, 'a handler of changes failed');
    }
  }

  /** @param version what the server's cache has to know at least; absent: the newest there is */
  async function list(version: string | undefined, until: AbortSignal): Promise<string> {
    const items: Versioned<T>[] = [];
    let page: ListPage<KubeObject> | undefined;
    do {
      page = await client.list<KubeObject>(ref, {
        signal: until,
        limit: options.pageSize ?? 500,
        ...(options.labelSelector !== undefined && { labelSelector: options.labelSelector }),
        ...(options.fieldSelector !== undefined && { fieldSelector: options.fieldSelector }),
        ...(page?.continue !== undefined
          ? { continue: page.continue }
          : version !== undefined && { resourceVersion: version, resourceVersionMatch: 'NotOlderThan' }),
      });
      lastHeard = clock.now();
      for (const object of page.items) items.push(versioned(object));
    } while (page.continue !== undefined);
    for (const change of cache.replaceAll(items, page.resourceVersion)) report(change);
    if (!hasSynced) {
      hasSynced = true;
      synced.resolve();
    }
    return page.resourceVersion;
  }

  function take(event: WatchEvent): string {
    lastHeard = clock.now();
    const version = event.object.metadata.resourceVersion ?? '';
    if (event.type === 'BOOKMARK') cache.advance(version);
    else if (event.type === 'DELETED') report(cache.remove(keyOf(event.object), version));
    else report(cache.put(versioned(event.object)));
    return version;
  }

  async function run(): Promise<void> {
    /** The version to watch from; absent: list first. */
    let from: string | undefined;
    /** What a list has to know at least: any version will do, until one was too old or the server fell silent about it. */
    let atLeast: string | undefined = '0';
    let failures = 0;
    let verifyAt = Number.POSITIVE_INFINITY;
    while (!signal.aborted) {
      let news = false;
      /** Since when the watch has been open: what hangs before that is no watch that lives. */
      let opened = Number.POSITIVE_INFINITY;
      const lived = (): boolean => clock.now() - opened >= healthyMs;
      if (cut.signal.aborted) {
        cut = new AbortController();
        from = undefined;
        atLeast = undefined;
      }
      const until = AbortSignal.any([signal, cut.signal]);
      try {
        if (from === undefined) {
          from = await list(atLeast, until);
          // Else a call came while this list was under way: it may be older.
          if (!cut.signal.aborted) {
            caughtUp?.resolve();
            caughtUp = undefined;
          }
          verifyAt = clock.now() + jitter(options.verifyMs ?? 3_600_000, random());
        }
        for await (const event of watchOnce(client, ref, {
          resourceVersion: from,
          timeoutSeconds: 300 + Math.floor(random() * 301),
          idleMs: options.idleMs ?? 150_000,
          clock,
          signal: until,
          onOpen: () => {
            opened = clock.now();
          },
          ...(options.labelSelector !== undefined && { labelSelector: options.labelSelector }),
          ...(options.fieldSelector !== undefined && { fieldSelector: options.fieldSelector }),
        })) {
          const version = take(event);
          // A line that is late, or told twice, does not lead back to where the watch has been.
          if (compareVersions(version, from) > 0) {
            from = version;
            news = true;
          }
        }
        // Closed cleanly, which is routine; but a server that closes at once is not to be hammered.
        if (lived()) failures = 0;
        else failures = news ? 1 : failures + 1;
        if (clock.now() >= verifyAt) {
          atLeast = from;
          from = undefined;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (cut.signal.aborted) continue;
        failures = news || lived() ? 1 : failures + 1;
        const gone = isGone(error);
        // Silence where bookmarks are due, or a version from the future: a dead connection, or a history that was cut (a restored etcd).
        if (gone || isApiError(error, 0, 'Silent') || isApiError(error, 504)) {
          from = undefined;
          // Not from the server's cache: it may be the very thing that is behind.
          atLeast = undefined;
        }
        const fields = { resource: what, err: messageOf(error), failures };
        if (gone || failures <= 1)
          logger.debug(fields, gone ? 'version too old: listing again' : 'watch broke: resuming');
        else logger.warn(fields, 'no news from the API server: trying again');
        if (gone && failures <= 1) continue;
        await pause(clock, wait(error, failures), until);
        continue;
      }
      await pause(clock, wait(undefined, failures), until);
    }
  }

  function wait(error: unknown, failures: number): number {
    return Math.max(retryAfterMs(error), jitter(backoffDelay(failures, watchBackoff), random()));
  }

  const ended = run().catch((error: unknown) => {
    logger.error({ err: error, resource: what }, 'a reflector ended: this is a bug');
  });

  return {
    get: (key) => cache.get(key),
    has: (key) => cache.has(key),
    list: () => cache.list(),
    keys: () => cache.keys(),
    get size() {
      return cache.size;
    },
    synced: synced.promise,
    get hasSynced() {
      return hasSynced;
    },
    get lastHeard() {
      return lastHeard;
    },
    onChange: (handler) => {
      handlers.push(handler);
      for (const key of cache.keys()) {
        const value = cache.get(key);
        if (value !== undefined) call(handler, { key, new: value });
      }
    },
    learn: (object) => report(cache.learn(versioned(object))),
    catchUp: () => {
      caughtUp ??= Promise.withResolvers<void>();
      cut.abort();
      return caughtUp.promise;
    },
    ended,
  };
}

/** `name`, or `namespace/name`. */
export function keyOf(object: KubeObject): string {
  const { namespace, name } = object.metadata;
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}
