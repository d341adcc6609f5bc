import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { Nic } from '../api/host.ts';
import { formatAddress, parseAddress } from '../net/address.ts';
import { formatInterfaceAddress, parseInterfaceAddress } from '../net/prefix.ts';
import { text } from './rows.ts';
import type { LentNic } from './types.ts';

/** A NIC with its addresses as texts. */
type StoredNic = Omit<Nic, 'addresses' | 'linkLocal'> & { addresses: string[]; linkLocal?: string };
/** The column `content`: what the others do not say. */
type Content = Omit<LentNic, 'name' | 'key' | 'bootId' | 'nic'> & { nic?: StoredNic };

/** The column `content` of a row of `lent`. */
export function contentOf({ name: _name, key: _key, bootId: _boot, nic, ...rest }: LentNic): string {
  const content: Content = { ...rest, ...(nic === undefined ? {} : { nic: storedNic(nic) }) };
  return JSON.stringify(content);
}

export function loadLent(db: DatabaseSync): readonly LentNic[] {
  return db.prepare('SELECT * FROM lent').all().map(toLent);
}

/** A row of `lent`. Its JSON is our own writing, covered by quick_check: parsed, not judged again. */
export function toLent(row: Readonly<Record<string, SQLOutputValue>>): LentNic {
  const { nic, ...rest }: Content = JSON.parse(text(row, 'content'));
  return {
    ...rest,
    name: text(row, 'nic'),
    key: { network: text(row, 'network'), containerID: text(row, 'container_id'), ifname: text(row, 'ifname') },
    bootId: text(row, 'boot_id'),
    ...(nic === undefined ? {} : { nic: nicOf(nic) }),
  };
}

function storedNic({ addresses, linkLocal, ...facts }: Nic): StoredNic {
  return {
    ...facts,
    addresses: addresses.map(({ address, prefix }) => formatInterfaceAddress(address, prefix.length)),
    ...(linkLocal === undefined ? {} : { linkLocal: formatAddress(linkLocal) }),
  };
}

function nicOf({ addresses, linkLocal, ...facts }: StoredNic): Nic {
  return {
    ...facts,
    addresses: addresses.map(parseInterfaceAddress),
    ...(linkLocal === undefined ? {} : { linkLocal: parseAddress(linkLocal) }),
  };
}
