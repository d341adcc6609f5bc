import { CniError, code } from '../../api/cni-error.ts';
import type { Call } from '../../cni/types.ts';

/** How long calls take at most, whatever hangs; ms. */
export interface CallLimits {
  /** ADD and GC are answered. The shim gives up 100 s after its start, kubelet's sandbox 4 min. */
  readonly addMs: number;
  /** DEL, CHECK and STATUS are answered. The shim keeps a DEL in its spool after 30 s. */
  readonly delMs: number;
  /** Of an ADD's time, what is kept for undoing it. */
  readonly undoMs: number;
  /** Of the time to undo, what is kept for looking and for deleting ourselves what delegates left. */
  readonly lookMs: number;
}

export const usualLimits: CallLimits = { addMs: 90_000, delMs: 25_000, undoMs: 25_000, lookMs: 5000 };

/** What is kept of the time that the shim waits, for the answer's way back, ms; at most a fifth of it, as STATUS has 5 s in all. */
const returnMs = 5000;

/** The time of one call, ms from its arrival. */
export interface CallTime {
  readonly answerMs: number;
  /** Delegates of ADD run no longer than this; what is begun then is undone. */
  readonly makeMs: number;
}

/** @param callerMs how long the shim still waits, when it says so */
export function timeOf(verb: Call['verb'], limits: CallLimits, callerMs?: number): CallTime {
  const own = verb === 'ADD' || verb === 'GC' ? limits.addMs : limits.delMs;
  const answerMs = Math.max(
    1,
    Math.min(own, callerMs === undefined ? own : callerMs - Math.min(returnMs, callerMs / 5)),
  );
  return { answerMs, makeMs: Math.max(1, answerMs - Math.min(limits.undoMs, answerMs / 2)) };
}

/** The share of an undoing in which delegates may run, ms. */
export function delegatesShare({ undoMs, lookMs }: CallLimits): number {
  return Math.max(1, undoMs - lookMs);
}

/**
 * The outcome of the work, or in time an error that says what goes on. The work is not ended by this: the signal given to it is
 * aborted, and what it is not done with it undoes.
 * @throws CniError 11 when the time is over
 */
export async function answerWithin<T>(
  what: string,
  answerMs: number,
  work: (over: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    over.abort();
    late.reject(
      new CniError(
        code.tryAgainLater,
        `${what} is not done after ${seconds(answerMs)} s: a delegate, another call of this container or the disk hangs; ` +
          'it goes on in the background until nothing is left of it: see the log of the multinic daemon, then try again',
      ),
    );
  }, answerMs).unref();
  const working = work(over.signal);
  try {
    return await Promise.race([working, late.promise]);
  } finally {
    // What is late has its own end, and nobody who hears of it.
    working.catch(() => undefined);
    clearTimeout(timer);
  }
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}
