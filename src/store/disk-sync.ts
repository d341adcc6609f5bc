import { channel } from 'node:diagnostics_channel';
import { closeSync, fdatasync, openSync } from 'node:fs';
import { CniError, code } from '../api/cni-error.ts';

/** What a subscriber of the channel `multinic.disk` is told of each turn. */
export interface DiskMessage {
  readonly what: 'start' | 'end';
  readonly path: string;
}

/** Puts on disk what was written to one file, beside the event loop. */
export interface DiskSync {
  /**
   * Resolves when all that was written before the call is on disk. Calls that come while the disk is busy share the next turn.
   * @throws CniError 5 once the disk has failed, and from then on: what it lost then, no later sync would bring to it
   */
  request(): Promise<void>;
  /** The file is let go, after the turn that runs. */
  close(): void;
}

/** @throws Error when the file cannot be opened */
export function createDiskSync(path: string): DiskSync {
  const file = openSync(path, 'r');
  const turns = channel('multinic.disk');
  const tell = (what: DiskMessage['what']): void => {
    if (turns.hasSubscribers) turns.publish({ what, path } satisfies DiskMessage);
  };
  let running = false;
  let closed = false;
  let failure: Error | undefined;
  let next: PromiseWithResolvers<void> | undefined;

  const start = (): void => {
    const turn = next;
    next = undefined;
    tell('start');
    fdatasync(file, (error) => {
      tell('end');
      if (error === null) turn?.resolve();
      else fail(turn, error);
      if (next !== undefined) return start();
      running = false;
      if (closed) closeSync(file);
    });
  };
  const fail = (turn: PromiseWithResolvers<void> | undefined, cause: Error): void => {
    failure = new CniError(
      code.io,
      `${path} cannot be put on disk (${cause.message}): see to the disk of this host, then start the multinic daemon again`,
      '',
      cause,
    );
    turn?.reject(failure);
    next?.reject(failure);
    next = undefined;
  };

  return {
    request() {
      if (failure !== undefined) return quiet(Promise.reject(failure));
      // Whoever closed the database has put all of it on disk.
      if (closed) return Promise.resolve();
      next ??= Promise.withResolvers();
      const { promise } = next;
      // To wake the thread that waits for the disk takes a while: whoever needs no more than the commit goes on first.
      if (!running) setImmediate(start);
      running = true;
      return quiet(promise);
    },
    close() {
      closed = true;
      if (!running) closeSync(file);
    },
  };
}

/** Not everybody who writes waits for the disk: a failure that nobody hears of comes again at the next request. */
function quiet(promise: Promise<void>): Promise<void> {
  promise.catch(() => undefined);
  return promise;
}
