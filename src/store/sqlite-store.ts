import type { DatabaseSync } from 'node:sqlite';
import { later } from '../cni/stamp.ts';
import type { AttachmentKey } from '../cni/types.ts';
import type { DiskSync } from './disk-sync.ts';
import { createGroupCommit, type Outcome } from './group-commit.ts';
import { keyText } from './key.ts';
import { loadLent } from './lent.ts';
import { createMemory } from './memory.ts';
import { deleteRecord, insertRecord } from './record-writes.ts';
import { loadAttachments, loadResting, text } from './rows.ts';
import { tables } from './schema.ts';
import { prepareStatements } from './statements.ts';
import type { AttachmentRecord, Conflict, LentNic, Store } from './types.ts';

/**
 * The Store over an open, migrated database that this process alone uses. Decisions are taken by SQL inside the transaction; what is
 * in memory follows after the commit.
 * @param currentBoot this boot's id: orders stamps of different boots
 * @param disk puts the database's commits on disk; closed with the store
 */
export function createStore(db: DatabaseSync, currentBoot: string, disk: DiskSync): Store {
  const sql = prepareStatements(db);
  const group = createGroupCommit(db, disk);
  const memory = createMemory({ attachments: loadAttachments(db), resting: loadResting(db), lent: loadLent(db) });

  type Change = (id: number, record: AttachmentRecord) => Outcome<void>;
  const changing = (key: AttachmentKey, work: Change) => (): Outcome<void> => {
    const id = memory.idOf(key);
    const record = memory.attachments.get(keyText(key));
    if (id === undefined || record === undefined) throw new Error(`the store has no attachment ${keyText(key)}`);
    return work(id, record);
  };
  const change = (key: AttachmentKey, work: Change): Promise<void> => group.run(changing(key, work));

  /** A refusal leaves what it wrote to the savepoint. */
  const insert = (record: AttachmentRecord, lending: readonly LentNic[]): Outcome<Conflict | undefined> => {
    const id = insertRecord(sql, record, lending, currentBoot, memory);
    if (typeof id !== 'number') return { value: id, keep: false };
    return { value: undefined, keep: true, apply: () => memory.add(id, { ...record, state: 'pending' }, lending) };
  };

  return {
    attachments: memory.attachments,
    get resting() {
      return memory.resting();
    },
    lent: memory.lent,
    begin: (record, lending = []) => group.write(() => insert(record, lending), true),
    synced: () => group.synced(),
    returned: (nic) =>
      group.run(() => {
        sql.deleteLent.run(nic);
        return done(() => memory.returned(nic));
      }),
    finish: (key, delegateResults, result) =>
      group.write(
        changing(key, (id, record) => {
          if (record.state !== 'pending') throw new Error(`attachment ${keyText(key)} is ${record.state}, not pending`);
          sql.finish.run(JSON.stringify(delegateResults), JSON.stringify(result), id);
          return done(() => memory.replace({ ...record, state: 'ready', delegateResults, result }));
        }),
        false,
      ),
    renew: (key, stamp) =>
      change(key, (id, record) => {
        sql.renew.run(stamp.bootId, stamp.ns, id);
        return done(() => memory.replace({ ...record, stamp }));
      }),
    startDelete: (key) =>
      change(key, (id, record) => {
        sql.startDelete.run(id);
        return done(() => memory.replace({ ...record, state: 'deleting' }));
      }),
    remove: (key, now) =>
      change(key, (id, record) => {
        deleteRecord(sql, id, record, now);
        return done(() => memory.remove(record, now));
      }),
    noteDelete: (key, stamp, now) =>
      group.run(() => {
        const found = sql.findNote.get(key.network, key.containerID, key.ifname);
        const known = found && { bootId: text(found, 'boot_id'), ns: BigInt(text(found, 'stamp')) };
        const latest = known && later(known, stamp, currentBoot) ? known : stamp;
        sql.note.run(key.network, key.containerID, key.ifname, latest.bootId, latest.ns, now);
        return done();
      }),
    expire: (restingBefore, notesBefore) =>
      group.run(() => {
        sql.expireResting.run(restingBefore);
        sql.expireNotes.run(notesBefore);
        return done(() => memory.expire(restingBefore));
      }),
    get: (name) => {
      const row = sql.getMeta.get(name);
      return row === undefined ? undefined : text(row, 'value');
    },
    set: (name, value) =>
      group.run(() => {
        if (value === undefined) sql.deleteMeta.run(name);
        else sql.setMeta.run(name, value);
        return done();
      }),
    counts: () =>
      Object.fromEntries(
        tables.map((table) => [table, Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'])]),
      ),
    close() {
      group.flush();
      // Checkpoints, and waits for the disk.
      db.close();
      disk.close();
    },
  };
}

function done(apply?: () => void): Outcome<void> {
  return apply === undefined ? { value: undefined, keep: true } : { value: undefined, keep: true, apply };
}
