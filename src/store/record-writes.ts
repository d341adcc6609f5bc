import { later } from '../cni/stamp.ts';
import { formatAddress } from '../net/address.ts';
import { contentOf, toLent } from './lent.ts';
import type { Memory } from './memory.ts';
import { text, toHeldMaster } from './rows.ts';
import type { Statements } from './statements.ts';
import type { AttachmentRecord, Conflict, HeldMaster, LentNic } from './types.ts';

/**
 * Inserts all rows of a record, as `pending`; answers its row, or what stands against it: then some rows may be written, which the
 * caller takes back. Decided by SQL inside the transaction: members of one group see each other.
 * @param currentBoot orders stamps of different boots
 * @param memory says whether an address rests: only then is that to be deleted
 */
export function insertRecord(
  sql: Statements,
  record: AttachmentRecord,
  lending: readonly LentNic[],
  currentBoot: string,
  memory: Pick<Memory, 'isResting'>,
): number | Conflict {
  const { key, stamp } = record;
  const note = sql.findNote.get(key.network, key.containerID, key.ifname);
  if (note !== undefined) {
    const seen = { bootId: text(note, 'boot_id'), ns: BigInt(text(note, 'stamp')) };
    if (later(seen, stamp, currentBoot)) return { kind: 'deleted' };
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
  if (inserted.changes === 0) return { kind: 'attachment' };
  const id = Number(inserted.lastInsertRowid);
  for (const [position, master] of record.masters.entries()) {
    const row = sql.findMaster.get(master.nic);
    if (row !== undefined && !agree(toHeldMaster(row), master)) {
      return { kind: 'master', nic: master.nic, held: toHeldMaster(row), network: text(row, 'network') };
    }
    sql.insertMaster.run(master.nic, id, position, master.kind, master.mode, master.exclusive ? 1 : 0);
  }
  for (const [position, held] of record.addresses.entries()) {
    const address = formatAddress(held.address);
    const row = sql.insertAddress.run(key.network, address, id, position, held.interfaceIndex, held.nic);
    if (row.changes === 0) return { kind: 'address', address: held.address };
    if (memory.isResting(key.network, held.address)) sql.deleteResting.run(key.network, address);
  }
  for (const one of lending) {
    const { network, containerID, ifname } = one.key;
    const row = sql.insertLent.run(one.name, network, containerID, ifname, one.bootId, contentOf(one));
    const held = row.changes === 0 ? sql.findLent.get(one.name) : undefined;
    if (held !== undefined) return { kind: 'lent', lent: toLent(held) };
  }
  return id;
}

/** Deletes all rows of a record; its addresses rest from `now` on. */
export function deleteRecord(sql: Statements, id: number, record: AttachmentRecord, now: number): void {
  const { network } = record.key;
  for (const { address } of record.addresses) {
    sql.deleteAddress.run(network, formatAddress(address), id);
    sql.insertResting.run(network, formatAddress(address), now);
  }
  for (const { nic } of record.masters) sql.deleteMaster.run(nic, id);
  sql.deleteAttachment.run(id);
}

function agree(a: HeldMaster, b: HeldMaster): boolean {
  return !a.exclusive && !b.exclusive && a.kind === b.kind && a.mode === b.mode;
}
