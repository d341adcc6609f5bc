import type { DatabaseSync } from 'node:sqlite';

/** Compiles every statement of the store once. */
export function prepareStatements(db: DatabaseSync) {
  return {
    insertAttachment:
      db.prepare(`INSERT INTO attachments (network, container_id, ifname, state, boot_id, stamp_ns, netns, netns_id, pod, path,
    args, calls, created_at) VALUES (?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`),
    deleteAttachment: db.prepare('DELETE FROM attachments WHERE id = ?'),
    finish: db.prepare("UPDATE attachments SET state = 'ready', delegate_results = ?, result = ? WHERE id = ?"),
    renew: db.prepare('UPDATE attachments SET boot_id = ?, stamp_ns = ? WHERE id = ?'),
    startDelete: db.prepare("UPDATE attachments SET state = 'deleting' WHERE id = ?"),
    insertAddress:
      db.prepare(`INSERT INTO addresses (network, address, attachment, position, interface_index, nic) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING`),
    deleteAddress: db.prepare('DELETE FROM addresses WHERE network = ? AND address = ? AND attachment = ?'),
    // One row speaks for all: users of a NIC agree.
    findMaster:
      db.prepare(`SELECT m.nic, m.kind, m.mode, m.exclusive, a.network FROM masters m JOIN attachments a ON a.id = m.attachment
    WHERE m.nic = ? LIMIT 1`),
    insertMaster: db.prepare(
      'INSERT INTO masters (nic, attachment, position, kind, mode, exclusive) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    deleteMaster: db.prepare('DELETE FROM masters WHERE nic = ? AND attachment = ?'),
    insertLent: db.prepare(
      `INSERT INTO lent (nic, network, container_id, ifname, boot_id, content) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING`,
    ),
    findLent: db.prepare('SELECT * FROM lent WHERE nic = ?'),
    deleteLent: db.prepare('DELETE FROM lent WHERE nic = ?'),
    insertResting: db.prepare('INSERT OR REPLACE INTO resting (network, address, since) VALUES (?, ?, ?)'),
    deleteResting: db.prepare('DELETE FROM resting WHERE network = ? AND address = ?'),
    expireResting: db.prepare('DELETE FROM resting WHERE since < ?'),
    findNote: db.prepare(
      `SELECT boot_id, CAST(stamp_ns AS TEXT) AS stamp FROM notes WHERE network = ? AND container_id = ? AND ifname = ?`,
    ),
    note: db.prepare(
      `INSERT OR REPLACE INTO notes (network, container_id, ifname, boot_id, stamp_ns, seen_at) VALUES (?, ?, ?, ?, ?, ?)`,
    ),
    expireNotes: db.prepare('DELETE FROM notes WHERE seen_at < ?'),
    getMeta: db.prepare('SELECT value FROM meta WHERE name = ?'),
    setMeta: db.prepare('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)'),
    deleteMeta: db.prepare('DELETE FROM meta WHERE name = ?'),
  };
}

export type Statements = ReturnType<typeof prepareStatements>;
