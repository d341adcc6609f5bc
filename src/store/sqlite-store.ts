import type { DatabaseSync } from 'node:sqlite';
import { later } from '../cni/stamp.ts';
import type { AttachmentKey } from '../cni/types.ts';
import { type Address, formatAddress } from '../net/address.ts';
import type { DiskSync } from './disk-sync.ts';
import { createGroupCommit, type Outcome } from './group-commit.ts';
import { keyText } from './key.ts';
import { contentOf, loadLent, toLent } from './lent.ts';
import { loadAttachments, loadResting, text, toHeldMaster } from './rows.ts';
import { tables } from './schema.ts';
import { prepareStatements } from './statements.ts';
import type { AttachmentRecord, Conflict, HeldMaster, LentNic, RestingAddress, Store } from './types.ts';

/**
 * The Store over an open, migrated database that this process alone uses. Decisions are taken by SQL inside the transaction
 * (members of one group see each other); the maps in memory follow after the commit.
 * @param currentBoot this boot's id: orders stamps of different boots
 * @param disk puts the database's commits on disk; closed with the store
 */
export function createStore(db: DatabaseSync, currentBoot: string, disk: DiskSync): Store {
  const sql = prepareStatements(db);
  const group = createGroupCommit(db, disk);
  const ids = new Map<string, number>();
  const attachments = new Map<string, AttachmentRecord>();
  const resting = new Map<string, RestingAddress>();
  for (const { id, record } of loadAttachments(db)) {
    ids.set(keyText(record.key), id);
    attachments.set(keyText(record.key), record);
  }
  const lent = new Map(loadLent(db).map((one) => [one.name, one]));
  for (const entry of loadResting(db)) resting.set(restingKey(entry.network, entry.address), entry);

  type Change = (id: number, record: AttachmentRecord) => Outcome<void>;
  const changing = (key: AttachmentKey, work: Change) => (): Outcome<void> => {
    const id = ids.get(keyText(key));
    const record = attachments.get(keyText(key));
    if (id === undefined || record === undefined) throw new Error(`the store has no attachment ${keyText(key)}`);
    return work(id, record);
  };
  const change = (key: AttachmentKey, work: Change): Promise<void> => group.run(changing(key, work));
  const replace = (record: AttachmentRecord) => () => void attachments.set(keyText(record.key), record);

  /** Inserts all rows of the record; a refusal leaves what it wrote to the savepoint. */
  const insert = (record: AttachmentRecord, lending: readonly LentNic[]): Outcome<Conflict | undefined> => {
    const { key, stamp } = record;
    const refuse = (value: Conflict): Outcome<Conflict> => ({ value, keep: false });
    const note = sql.findNote.get(key.network, key.containerID, key.ifname);
    if (note !== undefined) {
      const seen = { bootId: text(note, 'boot_id'), ns: BigInt(text(note, 'stamp')) };
      if (later(seen, stamp, currentBoot)) return refuse({ kind: 'deleted' });
    }
    const inserted = sql.insertAttachment.run(
      key.network,
      key.containerID,
      key.ifname,
      stamp.bootId,
      stamp.ns,
      record.netns,
      record.netnsId,
      JSON.stringify(record.pod),
      JSON.stringify(record.path),
      record.args,
      JSON.stringify(record.calls),
      record.createdAt,
    );
    if (inserted.changes === 0) return refuse({ kind: 'attachment' });
    const id = Number(inserted.lastInsertRowid);
    for (const [position, master] of record.masters.entries()) {
      const row = sql.findMaster.get(master.nic);
      if (row !== undefined && !agree(toHeldMaster(row), master)) {
        return refuse({ kind: 'master', nic: master.nic, held: toHeldMaster(row), network: text(row, 'network') });
      }
      sql.insertMaster.run(master.nic, id, position, master.kind, master.mode, master.exclusive ? 1 : 0);
    }
    for (const [position, held] of record.addresses.entries()) {
      const address = formatAddress(held.address);
      const row = sql.insertAddress.run(key.network, address, id, position, held.interfaceIndex, held.nic);
      if (row.changes === 0) return refuse({ kind: 'address', address: held.address });
      if (resting.has(restingKey(key.network, held.address))) sql.deleteResting.run(key.network, address);
    }
    for (const one of lending) {
      const { network, containerID, ifname } = one.key;
      const row = sql.insertLent.run(one.name, network, containerID, ifname, one.bootId, contentOf(one));
      const held = row.changes === 0 ? sql.findLent.get(one.name) : undefined;
      if (held !== undefined) return refuse({ kind: 'lent', lent: toLent(held) });
    }
    const apply = (): void => {
      ids.set(keyText(key), id);
      for (const one of lending) lent.set(one.name, one);
      attachments.set(keyText(key), { ...record, state: 'pending' });
      for (const held of record.addresses) resting.delete(restingKey(key.network, held.address));
    };
    return { value: undefined, keep: true, apply };
  };

  const erase = (id: number, record: AttachmentRecord, now: number): Outcome<void> => {
    const { network } = record.key;
    for (const { address } of record.addresses) {
      sql.deleteAddress.run(network, formatAddress(address), id);
      sql.insertResting.run(network, formatAddress(address), now);
    }
    for (const { nic } of record.masters) sql.deleteMaster.run(nic, id);
    sql.deleteAttachment.run(id);
    const apply = (): void => {
      ids.delete(keyText(record.key));
      attachments.delete(keyText(record.key));
      for (const { address } of record.addresses) {
        resting.set(restingKey(network, address), { network, address, since: now });
      }
    };
    return { value: undefined, keep: true, apply };
  };

  return {
    attachments,
    get resting() {
      return [...resting.values()];
    },
    lent,
    begin: (record, lending = []) => group.write(() => insert(record, lending), true),
    synced: () => group.synced(),
    returned: (nic) =>
      group.run(() => {
        sql.deleteLent.run(nic);
        return done(() => void lent.delete(nic));
      }),
    finish: (key, delegateResults, result) =>
      group.write(
        changing(key, (id, record) => {
          if (record.state !== 'pending') throw new Error(`attachment ${keyText(key)} is ${record.state}, not pending`);
          sql.finish.run(JSON.stringify(delegateResults), JSON.stringify(result), id);
          return done(replace({ ...record, state: 'ready', delegateResults, result }));
        }),
        false,
      ),
    renew: (key, stamp) =>
      change(key, (id, record) => {
        sql.renew.run(stamp.bootId, stamp.ns, id);
        return done(replace({ ...record, stamp }));
      }),
    startDelete: (key) =>
      change(key, (id, record) => {
        sql.startDelete.run(id);
        return done(replace({ ...record, state: 'deleting' }));
      }),
    remove: (key, now) => change(key, (id, record) => erase(id, record, now)),
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
        return done(() => {
          for (const [key, entry] of resting) if (entry.since < restingBefore) resting.delete(key);
        });
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

function agree(a: HeldMaster, b: HeldMaster): boolean {
  return !a.exclusive && !b.exclusive && a.kind === b.kind && a.mode === b.mode;
}

function done(apply?: () => void): Outcome<void> {
  return apply === undefined ? { value: undefined, keep: true } : { value: undefined, keep: true, apply };
}

function restingKey(network: string, address: Address): string {
  return `${network} ${formatAddress(address)}`;
}
