import type { DatabaseSync } from 'node:sqlite';

/** What one member of a group did: its answer, and what to change in memory once the group is on disk. */
export interface Outcome<T> {
  readonly value: T;
  /** False: take back what the member wrote (a refusal). */
  readonly keep: boolean;
  readonly apply?: () => void;
}

interface Member {
  /** Writes; answers whether to keep it and what to do after the commit. */
  readonly work: () => { readonly keep: boolean; readonly settle: () => void };
  readonly reject: (error: unknown) => void;
}

/** Queue of writes. `run` resolves after the commit that holds its work; `flush` commits what waits, at once. */
export interface GroupCommit {
  run<T>(work: () => Outcome<T>): Promise<T>;
  flush(): void;
}

/**
 * Writes that arrive in one turn of the event loop share one transaction and one fsync (0.2 ms, however many they are). Each
 * has its own savepoint, so a member that fails takes back its own writes only. Memory changes after the commit, never before:
 * what the maps show is on disk.
 */
export function createGroupCommit(db: DatabaseSync): GroupCommit {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const savepoint = db.prepare('SAVEPOINT member');
  const release = db.prepare('RELEASE member');
  const rollbackTo = db.prepare('ROLLBACK TO member');
  let waiting: Member[] = [];
  let scheduled = false;

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
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      for (const member of members) member.reject(error);
      return;
    }
    for (const answer of settle) answer();
  };

  return {
    flush,
    run<T>(work: () => Outcome<T>): Promise<T> {
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      const settled = (outcome: Outcome<T>) => () => {
        if (outcome.keep) outcome.apply?.();
        resolve(outcome.value);
      };
      waiting.push({
        reject,
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
    },
  };
}
