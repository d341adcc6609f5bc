import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { parseAddress } from '../net/address.ts';
import type { AttachmentRecord, AttachmentState, HeldAddress, HeldMaster, RestingAddress } from './types.ts';

type Row = Readonly<Record<string, SQLOutputValue>>;

const states: readonly AttachmentState[] = ['pending', 'ready', 'deleting'];

/** A record together with its row number. */
export interface Loaded {
  readonly id: number;
  readonly record: AttachmentRecord;
}

/** Reads every attachment with its addresses and masters, in the order they were given. @throws Error on rows that contradict each other */
export function loadAttachments(db: DatabaseSync): readonly Loaded[] {
  const addresses = groupByAttachment(db, 'SELECT * FROM addresses ORDER BY attachment, position', toHeldAddress);
  const masters = groupByAttachment(db, 'SELECT * FROM masters ORDER BY attachment, position', toHeldMaster);
  const loaded = db
    // As text: ns pass 2^53 after 104 days of uptime.
    .prepare(
      `SELECT id, network, container_id, ifname, state, boot_id, CAST(stamp_ns AS TEXT) AS stamp, netns, netns_id, pod, path, args,
        calls, delegate_results, result, created_at FROM attachments ORDER BY id`,
    )
    .all()
    .map((row) => toLoaded(row, addresses, masters));
  for (const [rest, what] of [
    [addresses, 'addresses'],
    [masters, 'masters'],
  ] as const) {
    const orphan = rest.keys().next().value;
    if (orphan !== undefined) throw new Error(`the store has ${what} of attachment ${orphan}, which it does not have`);
  }
  return loaded;
}

export function loadResting(db: DatabaseSync): readonly RestingAddress[] {
  return db
    .prepare('SELECT * FROM resting')
    .all()
    .map((row) => ({
      network: text(row, 'network'),
      address: parseAddress(text(row, 'address')),
      since: integer(row, 'since'),
    }));
}

/** JSON columns are our own writing, covered by quick_check: parsed, not judged again. */
function toLoaded(row: Row, addresses: Map<number, HeldAddress[]>, masters: Map<number, HeldMaster[]>): Loaded {
  const id = integer(row, 'id');
  const record: AttachmentRecord = {
    key: { network: text(row, 'network'), containerID: text(row, 'container_id'), ifname: text(row, 'ifname') },
    state: oneOf(states, text(row, 'state')),
    stamp: { bootId: text(row, 'boot_id'), ns: BigInt(text(row, 'stamp')) },
    netns: text(row, 'netns'),
    netnsId: text(row, 'netns_id'),
    pod: JSON.parse(text(row, 'pod')),
    path: JSON.parse(text(row, 'path')),
    args: text(row, 'args'),
    calls: JSON.parse(text(row, 'calls')),
    addresses: addresses.get(id) ?? [],
    masters: masters.get(id) ?? [],
    createdAt: integer(row, 'created_at'),
    ...(row['delegate_results'] === null ? {} : { delegateResults: JSON.parse(text(row, 'delegate_results')) }),
    ...(row['result'] === null ? {} : { result: JSON.parse(text(row, 'result')) }),
  };
  addresses.delete(id);
  masters.delete(id);
  return { id, record };
}

function toHeldAddress(row: Row): HeldAddress {
  return {
    address: parseAddress(text(row, 'address')),
    interfaceIndex: integer(row, 'interface_index'),
    nic: text(row, 'nic'),
  };
}

/** A row of `masters` as the record shows it. */
export function toHeldMaster(row: Row): HeldMaster {
  return {
    nic: text(row, 'nic'),
    kind: text(row, 'kind'),
    mode: text(row, 'mode'),
    exclusive: integer(row, 'exclusive') !== 0,
  };
}

function groupByAttachment<T>(db: DatabaseSync, sql: string, convert: (row: Row) => T): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const row of db.prepare(sql).iterate()) {
    const id = integer(row, 'attachment');
    const group = groups.get(id) ?? [];
    group.push(convert(row));
    groups.set(id, group);
  }
  return groups;
}

/** A text column. @throws Error when the row holds something else */
export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new Error(`store column ${column} holds ${typeof value}, expected text`);
  return value;
}

function integer(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw new Error(`store column ${column} holds ${typeof value}, expected a number`);
  return value;
}

/** @throws Error when the text is none of the words */
function oneOf<T extends string>(words: readonly T[], value: string): T {
  const found = words.find((word) => word === value);
  if (found === undefined) throw new Error(`the store holds "${value}", expected one of ${words.join(', ')}`);
  return found;
}
