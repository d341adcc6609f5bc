import type { Nic } from '../api/host.ts';
import type { AttachmentKey, CniResult, PodRef, Stamp } from '../cni/types.ts';
import type { DelegateCall } from '../delegates/types.ts';
import type { SavedLink } from '../kernel/types.ts';
import type { Address } from '../net/address.ts';

/** pending: committed, delegates may run. ready: answered. deleting: being undone. */
export type AttachmentState = 'pending' | 'ready' | 'deleting';

/** One address of an attachment. */
export interface HeldAddress {
  readonly address: Address;
  readonly interfaceIndex: number;
  readonly nic: string;
}

/** A NIC as the attachment uses it: all users of one NIC agree on kind and mode, an exclusive user is alone. */
export interface HeldMaster {
  readonly nic: string;
  /** Plugin. */
  readonly kind: string;
  /** Empty where the plugin has none. */
  readonly mode: string;
  readonly exclusive: boolean;
}

/** The durable record of one attachment: everything that DEL needs, whatever has changed since. */
export interface AttachmentRecord {
  readonly key: AttachmentKey;
  readonly state: AttachmentState;
  readonly stamp: Stamp;
  readonly netns: string;
  /** `<device>:<inode>` of the netns at ADD. */
  readonly netnsId: string;
  readonly pod: PodRef;
  readonly path: readonly string[];
  readonly args: string;
  /** Delegates, in NIC order. */
  readonly calls: readonly DelegateCall[];
  readonly addresses: readonly HeldAddress[];
  readonly masters: readonly HeldMaster[];
  /** Delegate results by position, and the whole one, once ready. */
  readonly delegateResults?: readonly CniResult[];
  readonly result?: CniResult;
  /** ms since the epoch. */
  readonly createdAt: number;
}

/**
 * A NIC that is itself in a pod, or on its way there or back. Written before anything touches it; stays, beyond its attachment, until
 * the NIC is as it was.
 */
export interface LentNic {
  /** Name of the link on the host. */
  readonly name: string;
  /** Whose it is. */
  readonly key: AttachmentKey;
  readonly pod: PodRef;
  /** Interface in the pod. */
  readonly ifname: string;
  readonly netns: string;
  readonly netnsId: string;
  readonly bootId: string;
  /** 0000:18:00.0 */
  readonly pciAddress?: string;
  /** As the inventory shows it meanwhile; absent: no NIC of the pool (a virtual function). */
  readonly nic?: Nic;
  /** What it gets back. */
  readonly saved: SavedLink;
  /** ms since the epoch. */
  readonly savedAt: number;
}

/** A released address that is not given out again before its time. */
export interface RestingAddress {
  readonly network: string;
  readonly address: Address;
  /** ms since the epoch. */
  readonly since: number;
}

/** Refusals of the store, as data. */
export type Conflict =
  | { readonly kind: 'address'; readonly address: Address }
  | { readonly kind: 'attachment' }
  | { readonly kind: 'master'; readonly nic: string; readonly held: HeldMaster; readonly network: string }
  | { readonly kind: 'lent'; readonly lent: LentNic }
  /** A DEL that started later than this ADD was seen. */
  | { readonly kind: 'deleted' };

/**
 * The host's durable state. Calls that arrive together share one transaction. Promises resolve when the change is on disk, but for
 * those of `begin` and `finish`: these resolve when it is written, so that it survives this process, and not yet the machine.
 */
export interface Store {
  /** All records, as loaded at open and kept in step. */
  readonly attachments: ReadonlyMap<string, AttachmentRecord>;
  readonly resting: readonly RestingAddress[];
  /** NICs that are not on the host as they were, by name. */
  readonly lent: ReadonlyMap<string, LentNic>;
  /**
   * Inserts a pending attachment with addresses, masters and the NICs that are lent to it, or nothing at all. Its addresses come on
   * no link, nor its NICs into a pod, before `synced`.
   */
  begin(record: AttachmentRecord, lent?: readonly LentNic[]): Promise<Conflict | undefined>;
  /** The NIC is as it was before, or gone for good. */
  returned(nic: string): Promise<void>;
  /** All that was written before is on disk. */
  synced(): Promise<void>;
  /**
   * pending → ready. Not waited for on disk: a machine that fails takes its pods' namespaces along, and a record that is still
   * pending then is undone as one that is ready would be.
   */
  finish(key: AttachmentKey, delegateResults: readonly CniResult[], result: CniResult): Promise<void>;
  /** Another ADD of the same: the record is as of its stamp. */
  renew(key: AttachmentKey, stamp: Stamp): Promise<void>;
  /** any state → deleting. */
  startDelete(key: AttachmentKey): Promise<void>;
  /** Removes the record; its addresses rest from `now`. */
  remove(key: AttachmentKey, now: number): Promise<void>;
  /** Remembers a DEL (kept 5 min) so that an ADD that started before it is refused. */
  noteDelete(key: AttachmentKey, stamp: Stamp, now: number): Promise<void>;
  /** Forgets resting addresses and DEL notes older than the given times. */
  expire(restingBefore: number, notesBefore: number): Promise<void>;
  /** Small named texts: the cached plan, route table numbers, next-fit pointers. */
  get(name: string): string | undefined;
  set(name: string, value: string | undefined): Promise<void>;
  /** Row counts by table, for the leftovers listing. */
  counts(): Readonly<Record<string, number>>;
  close(): void;
}
