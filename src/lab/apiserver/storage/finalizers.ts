import { fieldAt, type KubeRecord, recordKey, withMeta } from '../object.ts';
import type { ObjectStore } from './store.ts';

/** Finalizers by which a deletion's propagation is remembered. */
export const propagationFinalizers = { Foreground: 'foregroundDeletion', Orphan: 'orphan' } as const;

/** What still holds a deleted object: its finalizers, and for a namespace the one in its spec. */
export function isHeld(object: KubeRecord): boolean {
  const own = object.kind === 'Namespace' ? fieldAt(object, ['spec', 'finalizers']) : undefined;
  return (object.metadata.finalizers?.length ?? 0) > 0 || (Array.isArray(own) && own.length > 0);
}

/** Stores an object, and takes it away at once if it is deleted and nothing holds it any more; returns its last state. */
export function settle(store: ObjectStore, table: string, draft: KubeRecord): KubeRecord {
  const object = store.put(table, draft);
  if (object.metadata.deletionTimestamp === undefined || isHeld(object)) return object;
  return store.remove(table, recordKey(object)) ?? object;
}

/** Takes off a finalizer that the server itself put on; the object goes when it was the last. */
export function release(store: ObjectStore, table: string, object: KubeRecord, finalizer: string): void {
  const left = (object.metadata.finalizers ?? []).filter((item) => item !== finalizer);
  settle(store, table, withMeta(object, { finalizers: left.length > 0 ? left : undefined }));
}
