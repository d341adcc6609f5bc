import { backoffDelay, watchBackoff } from '../backoff.ts';
import { isApiError, isGone, isNotFound, retryAfterMs } from '../calls/errors.ts';

/** What a reflector does next: list everything, or watch on from a version. */
export type NextCall =
  | {
      readonly kind: 'list';
      /** What the server's cache has to know at least: `0`, any version will do; undefined: the newest there is. */
      readonly atLeast: string | undefined;
    }
  | { readonly kind: 'watch'; readonly from: string };

/** Where a reflector stands between two calls: a value, which the outcome of each call makes anew. */
export interface Course {
  readonly next: NextCall;
  /**
   * Calls that failed in a row. Lists and watches count apart: a list that succeeds ends what lists have failed, but says nothing about
   * watches, each of which may be followed by a list.
   */
  readonly failed: { readonly lists: number; readonly watches: number };
  /** When a watch that has ended is followed by a list though nothing failed, ms of the clock. */
  readonly verifyAt: number;
}

/** How a watch ended. */
export interface WatchEnd {
  /** ms of the clock. */
  readonly now: number;
  /** ms for which the server has held it open; 0: it was never taken. */
  readonly open: number;
  /** The newest version that it brought, or began from. */
  readonly newest: string;
  /** Absent: closed by the server, cleanly. */
  readonly error?: unknown;
}

/** What comes of a call. */
export interface Step {
  readonly course: Course;
  /** ms of back-off, to be spread. */
  readonly backoff: number;
  /** ms that the server asked to wait at least. */
  readonly asked: number;
  /** For the log, of a call that failed. */
  readonly said?: { readonly level: 'debug' | 'warn'; readonly message: string; readonly failures: number };
}

/** A watch that was open for so long, ms, was a healthy one: its end starts no back-off. */
const healthyMs = 5_000;

/** Not from the server's cache: it may be the very thing that is behind. */
const newest: NextCall = { kind: 'list', atLeast: undefined };

export const firstCourse: Course = {
  next: { kind: 'list', atLeast: '0' },
  failed: { lists: 0, watches: 0 },
  verifyAt: Number.POSITIVE_INFINITY,
};

/** Somebody asked for the newest state: whatever was under way, it is listed. */
export function anew(course: Course): Course {
  return { ...course, next: newest };
}

/** After a list that succeeded, taken at `version`. */
export function afterList(course: Course, version: string, verifyAt: number): Step {
  const failed = { ...course.failed, lists: 0 };
  return { course: { next: { kind: 'watch', from: version }, failed, verifyAt }, backoff: 0, asked: 0 };
}

/** @param missingMs how long a kind that the server does not know is left alone at the most */
export function afterFailedList(course: Course, error: unknown, missingMs: number): Step {
  const lists = course.failed.lists + 1;
  const failed = { ...course.failed, lists };
  return afterFailure({ ...course, failed }, { call: 'list', error, failures: lists, first: lists === 1 }, missingMs);
}

/** @param missingMs as of `afterFailedList` */
export function afterWatch(course: Course, end: WatchEnd, missingMs: number): Step {
  const { error, newest: version } = end;
  const brought = course.next.kind === 'watch' && version !== course.next.from;
  const healthy = end.open >= healthyMs;
  const before = course.failed.watches;
  const failures = healthy || brought ? 1 : before + 1;
  const watches = error === undefined && healthy ? 0 : failures;
  const after: Course = { ...course, next: { kind: 'watch', from: version }, failed: { ...course.failed, watches } };
  if (error !== undefined) {
    return afterFailure(after, { call: 'watch', error, failures, first: healthy || before === 0 }, missingMs);
  }
  // Closed cleanly, which is routine; but a server that closes at once is not to be hammered.
  const backoff = backoffDelay(watches, watchBackoff);
  // An event that never came may be missed: from the server's cache, but nothing older than what is known.
  const verify: NextCall = { kind: 'list', atLeast: version };
  return { course: end.now < course.verifyAt ? after : { ...after, next: verify }, backoff, asked: 0 };
}

interface Failure {
  readonly call: 'list' | 'watch';
  readonly error: unknown;
  /** Of such calls in a row, this one included. */
  readonly failures: number;
  /** Whether the call before it, of its kind, was well. */
  readonly first: boolean;
}

function afterFailure(course: Course, { call, error, failures, first }: Failure, missingMs: number): Step {
  const gone = isGone(error);
  const missing = isNotFound(error);
  // Silence where bookmarks are due, or a version from the future: a dead connection, or a history that was cut (a restored etcd).
  const unsure = isApiError(error, 0, 'Silent') || isApiError(error, 504);
  // What the server does not know has no history to watch on in when it is there again.
  const next = gone || missing || unsure ? newest : course.next;
  // Too old a version is no failure of the server's; but one that says so of each version is not to be hammered.
  const atOnce = gone && first;
  const limits = missing ? { ...watchBackoff, max: Math.min(watchBackoff.max, missingMs) } : watchBackoff;
  return {
    course: { ...course, next },
    backoff: atOnce ? 0 : backoffDelay(failures, limits),
    asked: atOnce ? 0 : retryAfterMs(error),
    said: {
      level: gone || failures <= 1 ? 'debug' : 'warn',
      message: gone
        ? 'version too old: listing again'
        : failures <= 1
          ? `${call} broke: trying again`
          : 'no news from the API server: trying again',
      failures,
    },
  };
}
