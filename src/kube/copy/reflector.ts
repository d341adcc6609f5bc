import { messageOf } from '../../api/message-of.ts';
import type { KubeObject } from '../../api/meta.ts';
import { jitter, watchBackoff } from '../backoff.ts';
import type { KubeClient } from '../calls/client.ts';
import { nameOf, type ResourceRef } from '../calls/resource.ts';
import { type Clock, pause, systemClock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import { type CacheView, type Change, compareVersions, createCache, type Versioned } from './cache.ts';
import { createCatchUp } from './catch-up.ts';
import {
  afterFailedList,
  afterList,
  afterWatch,
  anew,
  type Course,
  firstCourse,
  type Step,
  type WatchEnd,
} from './course.ts';
import { createHandlers } from './handlers.ts';
import { listAll } from './list.ts';
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
  /** Takes it that a deletion of ours has ended that very version; not for one with finalizers, which stays until they are gone. */
  forget(object: KubeObject): void;
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
  /**
   * ms at the most between tries while the server does not know the resource (404: its CRD is not there); default 30,000, as for any
   * failure. Less is for one program in a cluster, not for one on each host.
   */
  readonly missingMs?: number;
}

/**
 * Starts a reflector: lists in pages from the server's cache, then watches with bookmarks and goes on from the newest version seen,
 * whatever breaks. What it does after which answer is decided in course.ts.
 */
export function startReflector<T>(options: ReflectorOptions<T>): Reflector<T> {
  const { client, ref, signal, logger } = options;
  const clock = options.clock ?? systemClock();
  const random = options.random ?? Math.random;
  const missingMs = options.missingMs ?? watchBackoff.max;
  const resource = nameOf(ref);
  const cache = createCache<T>(options.same);
  const handlers = createHandlers(cache, logger, resource);
  const catchUp = createCatchUp();
  const synced = Promise.withResolvers<void>();
  const selectors = {
    ...(options.labelSelector !== undefined && { labelSelector: options.labelSelector }),
    ...(options.fieldSelector !== undefined && { fieldSelector: options.fieldSelector }),
  };
  let hasSynced = false;
  let lastHeard: number | undefined;

  const heard = (): void => {
    lastHeard = clock.now();
  };
  const versioned = (object: KubeObject): Versioned<T> => ({
    key: keyOf(object),
    version: object.metadata.resourceVersion ?? '0',
    value: options.project(object),
  });

  async function list(course: Course, atLeast: string | undefined, until: AbortSignal): Promise<Step> {
    const items: Versioned<T>[] = [];
    const take = (object: KubeObject): void => void items.push(versioned(object));
    let version: string;
    try {
      const pageSize = options.pageSize ?? 500;
      version = await listAll(client, ref, { ...selectors, atLeast, pageSize, signal: until, take, onPage: heard });
    } catch (error) {
      return said(afterFailedList(course, error, missingMs), error, until);
    }
    for (const change of cache.replaceAll(items, version)) handlers.tell(change);
    hasSynced = true;
    synced.resolve();
    // Else somebody asked while this list was under way: it may be older.
    if (!until.aborted) catchUp.done();
    return afterList(course, version, clock.now() + jitter(options.verifyMs ?? 3_600_000, random()));
  }

  async function watch(course: Course, from: string, until: AbortSignal): Promise<Step> {
    let opened: number | undefined;
    let newest = from;
    const end = (): WatchEnd => ({ now: clock.now(), open: clock.now() - (opened ?? clock.now()), newest });
    try {
      const events = watchOnce(client, ref, {
        ...selectors,
        resourceVersion: from,
        timeoutSeconds: 300 + Math.floor(random() * 301),
        idleMs: options.idleMs ?? 150_000,
        clock,
        signal: until,
        // What hangs before that is no watch that lives.
        onOpen: () => {
          opened = clock.now();
        },
      });
      for await (const event of events) {
        const version = take(event);
        // A line that is late, or told twice, does not lead back to where the watch has been.
        if (compareVersions(version, newest) > 0) newest = version;
      }
      return afterWatch(course, end(), missingMs);
    } catch (error) {
      return said(afterWatch(course, { ...end(), error }, missingMs), error, until);
    }
  }

  function take(event: WatchEvent): string {
    heard();
    const version = event.object.metadata.resourceVersion ?? '';
    if (event.type === 'BOOKMARK') cache.advance(version);
    else if (event.type === 'DELETED') handlers.tell(cache.remove(keyOf(event.object), version));
    else handlers.tell(cache.put(versioned(event.object)));
    return version;
  }

  function said(step: Step, error: unknown, until: AbortSignal): Step {
    // What was called off did not fail.
    if (step.said !== undefined && !until.aborted) {
      const { level, message, failures } = step.said;
      logger[level]({ resource, err: messageOf(error), failures }, message);
    }
    return step;
  }

  async function run(): Promise<void> {
    let course = firstCourse;
    while (!signal.aborted) {
      if (catchUp.asked.aborted) {
        catchUp.begin();
        course = anew(course);
      }
      const until = AbortSignal.any([signal, catchUp.asked]);
      const { next } = course;
      const step =
        next.kind === 'list' ? await list(course, next.atLeast, until) : await watch(course, next.from, until);
      if (until.aborted) continue;
      course = step.course;
      const wait = Math.max(step.asked, jitter(step.backoff, random()));
      if (wait > 0) await pause(clock, wait, until);
    }
  }

  const ended = run().catch((error: unknown) => {
    logger.error({ err: error, resource }, 'a reflector ended: this is a bug');
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
    onChange: (handler) => handlers.add(handler),
    learn: (object) => handlers.tell(cache.learn(versioned(object))),
    forget: (object) => handlers.tell(cache.forget(keyOf(object), object.metadata.resourceVersion ?? '')),
    catchUp: () => catchUp.ask(),
    ended,
  };
}

/** `name`, or `namespace/name`. */
export function keyOf(object: KubeObject): string {
  const { namespace, name } = object.metadata;
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}
