import type { DatabaseSync } from 'node:sqlite';

/**
 * Schema changes in order: entry k leads from version k to k + 1. Never edit one that was released, append.
 * Addresses and masters are found through their own keys (the record in memory knows them), so they carry no second index:
 * an attachment of 8 NICs is 17 rows, and each index would double them.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE attachments (
    id INTEGER PRIMARY KEY,
    network TEXT NOT NULL,
    container_id TEXT NOT NULL,
    ifname TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'ready', 'deleting')),
    boot_id TEXT NOT NULL,
    stamp_ns INTEGER NOT NULL,
    netns TEXT NOT NULL,
    netns_id TEXT NOT NULL,
    pod TEXT NOT NULL,
    path TEXT NOT NULL,
    args TEXT NOT NULL,
    calls TEXT NOT NULL,
    delegate_results TEXT,
    result TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (network, container_id, ifname)
  ) STRICT;
  CREATE TABLE addresses (
    network TEXT NOT NULL,
    address TEXT NOT NULL,
    attachment INTEGER NOT NULL,
    position INTEGER NOT NULL,
    interface_index INTEGER NOT NULL,
    nic TEXT NOT NULL,
    PRIMARY KEY (network, address)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE masters (
    nic TEXT NOT NULL,
    attachment INTEGER NOT NULL,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    mode TEXT NOT NULL,
    PRIMARY KEY (nic, attachment)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE resting (
    network TEXT NOT NULL,
    address TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (network, address)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE notes (
    network TEXT NOT NULL,
    container_id TEXT NOT NULL,
    ifname TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    stamp_ns INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (network, container_id, ifname)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  // A NIC that moves into a pod, or a macvlan passthru child, suffers no second user; version 1 had shared ones only, and passthru.
  `
  ALTER TABLE masters ADD COLUMN exclusive INTEGER NOT NULL DEFAULT 0;
  UPDATE masters SET exclusive = 1 WHERE mode = 'passthru';
  `,
  // No attachment's id: a NIC may come back after its attachment is gone. What it was like is read as a whole, never searched.
  `
  CREATE TABLE lent (
    nic TEXT PRIMARY KEY,
    network TEXT NOT NULL,
    container_id TEXT NOT NULL,
    ifname TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    content TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
];

/** Tables, for the leftovers listing. */
export const tables = ['attachments', 'addresses', 'masters', 'lent', 'resting', 'notes', 'meta'] as const;

/**
 * Brings the file to this program's schema version, each step in its own transaction.
 * @throws Error when a newer program wrote it: reading it by old rules could give out held addresses
 */
export function migrate(db: DatabaseSync): void {
  const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  if (version > migrations.length) {
    throw new Error(
      `the store has schema version ${version}, this program knows up to ${migrations.length}: ` +
        'run the multinic version that wrote it, or a newer one',
    );
  }
  for (const [index, sql] of migrations.entries()) {
    if (index < version) continue;
    db.exec(`BEGIN IMMEDIATE; ${sql}; PRAGMA user_version = ${index + 1}; COMMIT`);
  }
}
