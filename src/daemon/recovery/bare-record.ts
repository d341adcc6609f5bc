import type { AttachmentRecord, Conflict, Store } from '../../store/types.ts';

/** What a host can know of an attachment whose record is lost. */
type Known = Pick<AttachmentRecord, 'key' | 'addresses' | 'masters' | 'createdAt'> &
  Partial<Pick<AttachmentRecord, 'pod' | 'netns' | 'netnsId'>>;

/** A record that holds what is known and can undo nothing: no delegates. Any ADD or DEL of this boot is later than it. */
export function bareRecord(known: Known, bootId: string): AttachmentRecord {
  return {
    state: 'pending',
    stamp: { bootId, ns: 0n },
    netns: '',
    netnsId: '',
    pod: { namespace: '', name: '', uid: '' },
    path: [],
    args: '',
    calls: [],
    ...known,
  };
}

/**
 * Begins it. A network that was changed under its pods makes something else of a NIC than they do: where others say so, its
 * addresses count without its NICs.
 * @returns what speaks against it
 */
export async function enter(store: Store, record: AttachmentRecord): Promise<Conflict | undefined> {
  const conflict = await store.begin(record);
  return conflict?.kind === 'master' ? store.begin({ ...record, masters: [] }) : conflict;
}
