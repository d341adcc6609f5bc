import type { DatabaseSync } from 'node:sqlite';
import type { DiskSync } from './disk-sync.ts';

/** What one member of a group did: its answer, and what to change in memory once the group is on disk. */
export interface Outcome<T> {
  readonly value: T;
  /** False: take back what the member wrote (a refusal). */
  readonly keep: boolean;
  readonly apply?: () => void;
}

interface Member {
  /** Whether it is to be on disk at once. */
  readonly soon: boolean;
  /** Writes; answers whether to keep it and what to do after the commit. */
  readonly work: () => { readonly keep: boolean; readonly settle: () => void };
  readonly reject: (error: unknown) => void;
}

/** Queue of writes. */
export interface GroupCommit {
  /**
   * Resolves after the commit that holds the work: it survives this process, however that ends.
   * @param soon the disk begins at once; else with the next that is in a hurry, a moment later at the latest
   */
  write<T>(work: () => Outcome<T>, soon: boolean): Promise<T>;
  /** Resolves when the work is on disk: it survives the machine. */
  run<T>(work: () => Outcome<T>): Promise<T>;
  /** Resolves when all that was committed before is on disk. */
  synced(): Promise<void>;
  /** Commits what waits, at once. */
  flush(): void;
}

/** How long a commit that nobody waits for stays off the disk, ms: longer than most ADDs of a crowd lie apart. */
const lingerMs = 50;

/**
 * Writes that arrive in one turn of the event loop share one transaction; those that arrive while the disk is busy share its next
 * turn. Each has its own savepoint, so a member that fails takes back its own writes only. Memory changes after the commit, never
 * before: what the maps show is what another process would find.
 * @param db commits without waiting for the disk
 */
export function createGroupCommit(db: DatabaseSync, disk: DiskSync): GroupCommit {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const savepoint = db.prepare('SAVEPOINT member');
  const release = db.prepare('RELEASE member');
  const rollbackTo = db.prepare('ROLLBACK TO member');
  let waiting: Member[] = [];
  let scheduled = false;
  let synced = Promise.resolve();
  let lingering: NodeJS.Timeout | undefined;

  /** All that is committed, the lingering too. */
  const toDisk = (): void => {
    clearTimeout(lingering);
    lingering = undefined;
    synced = disk.request();
  };

  const one = (member: Member): (() => void) => {
    savepoint.run();
    try {
      const { keep, settle } = member.work();
      if (!keep) rollbackTo.run();
      return settle;
    } catch (error) {
      rollbackTo.run();
      return () => member.reject(error);
    } finally {
      release.run();
    }
  };

  const flush = (): void => {
    scheduled = false;
    const members = waiting;
    waiting = [];
    if (members.length === 0) return;
    let settle: (() => void)[];
    try {
      begin.run();
      settle = members.map(one);
      commit.run();
      if (members.some(({ soon }) => soon)) toDisk();
      else lingering ??= setTimeout(toDisk, lingerMs).unref();
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      for (const member of members) member.reject(error);
      return;
    }
    for (const answer of settle) answer();
  };

  const write = <T>(work: () => Outcome<T>, soon: boolean): Promise<T> => {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const settled = (outcome: Outcome<T>) => () => {
      if (outcome.keep) outcome.apply?.();
      resolve(outcome.value);
    };
    waiting.push({
      reject,
      soon,
      work() {
        const outcome = work();
        return { keep: outcome.keep, settle: settled(outcome) };
      },
    });
    if (!scheduled) {
      scheduled = true;
      setImmediate(flush);
    }
    return promise;
  };

  return {
    flush,
    write,
    async run(work) {
      const value = await write(work, true);
      await synced;
      return value;
    },
    synced() {
      if (lingering !== undefined) toDisk();
      return synced;
    },
  };
}
