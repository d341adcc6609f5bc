import type { AttachmentKey } from '../cni/types.ts';
import { type Address, formatAddress } from '../net/address.ts';
import { keyText } from './key.ts';
import type { Loaded } from './rows.ts';
import type { AttachmentRecord, LentNic, RestingAddress } from './types.ts';

/** What the file holds, for who reads without waiting. Changed after the commit, never before: another process would find the same. */
export interface Memory {
  /** By key text. */
  readonly attachments: ReadonlyMap<string, AttachmentRecord>;
  /** By NIC. */
  readonly lent: ReadonlyMap<string, LentNic>;
  resting(): RestingAddress[];
  isResting(network: string, address: Address): boolean;
  /** The record's row. */
  idOf(key: AttachmentKey): number | undefined;
  /** A new record: its addresses rest no more, its NICs are lent. */
  add(id: number, record: AttachmentRecord, lending: readonly LentNic[]): void;
  replace(record: AttachmentRecord): void;
  /** The record goes, and its addresses rest from `now` on. Its NICs stay lent until `returned`. */
  remove(record: AttachmentRecord, now: number): void;
  returned(nic: string): void;
  /** Forgets addresses that have rested since before. */
  expire(before: number): void;
}

/** @param loaded what stands in the file now */
export function createMemory(loaded: {
  readonly attachments: readonly Loaded[];
  readonly resting: readonly RestingAddress[];
  readonly lent: readonly LentNic[];
}): Memory {
  const ids = new Map<string, number>();
  const attachments = new Map<string, AttachmentRecord>();
  const resting = new Map<string, RestingAddress>();
  const lent = new Map(loaded.lent.map((one) => [one.name, one]));
  for (const { id, record } of loaded.attachments) {
    ids.set(keyText(record.key), id);
    attachments.set(keyText(record.key), record);
  }
  for (const entry of loaded.resting) resting.set(restingKey(entry.network, entry.address), entry);

  return {
    attachments,
    lent,
    resting: () => [...resting.values()],
    isResting: (network, address) => resting.has(restingKey(network, address)),
    idOf: (key) => ids.get(keyText(key)),
    add(id, record, lending) {
      const key = keyText(record.key);
      ids.set(key, id);
      for (const one of lending) lent.set(one.name, one);
      attachments.set(key, record);
      for (const { address } of record.addresses) resting.delete(restingKey(record.key.network, address));
    },
    replace: (record) => void attachments.set(keyText(record.key), record),
    remove(record, now) {
      const { network } = record.key;
      const key = keyText(record.key);
      ids.delete(key);
      attachments.delete(key);
      for (const { address } of record.addresses) {
        resting.set(restingKey(network, address), { network, address, since: now });
      }
    },
    returned: (nic) => void lent.delete(nic),
    expire(before) {
      for (const [key, entry] of resting) if (entry.since < before) resting.delete(key);
    },
  };
}

function restingKey(network: string, address: Address): string {
  return `${network} ${formatAddress(address)}`;
}
