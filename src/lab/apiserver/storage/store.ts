import { errors } from '../api-error.ts';
import { type KubeRecord, recordKey, withMeta } from '../object.ts';

/** One change of one object. */
export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** The table, see resourceId. */
  readonly table: string;
  readonly revision: number;
  /** The object after the change; for DELETED its last state, with the revision of the deletion. */
  readonly object: KubeRecord;
  readonly previous?: KubeRecord;
}

export type StoreListener = (event: StoreEvent) => void;

/**
 * Objects in memory under one ever-increasing resourceVersion, with the recent changes kept for watches.
 * Everything is synchronous: a read, a decision and a write in one turn of the event loop are atomic.
 */
export class ObjectStore {
  readonly #tables = new Map<string, Map<string, KubeRecord>>();
  readonly #listeners = new Set<StoreListener>();
  readonly #historyLength: number;
  #history: StoreEvent[] = [];
  #revision: number;
  #oldest: number;

  /**
   * @param first resourceVersion before the first change. A new store that takes over from a lost one should start
   *   above it, so that clients of the old one are told to list again.
   * @param historyLength changes that a watch can resume across
   */
  constructor(first: number, historyLength: number) {
    this.#revision = first;
    this.#oldest = first;
    this.#historyLength = historyLength;
  }

  /** The newest resourceVersion. */
  get revision(): number {
    return this.#revision;
  }

  get(table: string, key: string): KubeRecord | undefined {
    return this.#tables.get(table)?.get(key);
  }

  /** All objects of a table in the order of their keys. */
  list(table: string): KubeRecord[] {
    const entries = [...(this.#tables.get(table) ?? [])];
    return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  /** Stores an object under the next resourceVersion and returns it as stored. */
  put(table: string, draft: KubeRecord): KubeRecord {
    const key = recordKey(draft);
    const previous = this.get(table, key);
    const object = this.#stamp(draft);
    let objects = this.#tables.get(table);
    if (!objects) this.#tables.set(table, (objects = new Map()));
    objects.set(key, object);
    const change = { table, revision: this.#revision, object };
    this.#publish(previous ? { ...change, type: 'MODIFIED', previous } : { ...change, type: 'ADDED' });
    return object;
  }

  /** Takes an object away; returns its last state, or undefined if there was none. */
  remove(table: string, key: string): KubeRecord | undefined {
    const previous = this.get(table, key);
    if (!previous) return undefined;
    this.#tables.get(table)?.delete(key);
    const object = this.#stamp(previous);
    this.#publish({ type: 'DELETED', table, revision: this.#revision, object, previous });
    return object;
  }

  /** Changes after a resourceVersion, oldest first. Throws ApiError 410 when they are no longer known. */
  since(revision: number): readonly StoreEvent[] {
    if (revision < this.#oldest) throw errors.expired(revision, this.#oldest);
    return this.#history.slice(this.#indexAfter(revision));
  }

  /** Forgets all changes, as etcd's compaction does: watches from older resourceVersions get 410. */
  compact(): void {
    this.#history = [];
    this.#oldest = this.#revision;
  }

  /** Calls the listener on every change, synchronously and in order; returns how to stop. */
  subscribe(listener: StoreListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #stamp(object: KubeRecord): KubeRecord {
    this.#revision++;
    return withMeta(object, { resourceVersion: String(this.#revision) });
  }

  #publish(event: StoreEvent): void {
    this.#history.push(event);
    // Dropping half at a time keeps the cost of a change constant.
    if (this.#history.length >= 2 * this.#historyLength) {
      const dropped = this.#history.splice(0, this.#history.length - this.#historyLength);
      this.#oldest = dropped.at(-1)?.revision ?? this.#oldest;
    }
    for (const listener of Array.from(this.#listeners)) listener(event); // one may leave while it listens
  }

  #indexAfter(revision: number): number {
    let low = 0;
    let high = this.#history.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#history[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
