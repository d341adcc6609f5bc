import type { OwnerReference } from '../../../api/meta.ts';
import { type KubeRecord, recordKey, withMeta } from '../object.ts';
import type { Cluster } from '../storage/cluster.ts';
import { propagationFinalizers, release } from '../storage/finalizers.ts';
import type { StoreEvent } from '../storage/store.ts';
import { deleteObject } from '../verbs/delete.ts';

interface Place {
  readonly table: string;
  readonly key: string;
}

/** Garbage collection by ownerReferences, as kube-controller-manager does it: after the answer, in the background. */
export class Collector {
  readonly #cluster: Cluster;
  readonly #places = new Map<string, Place>();
  readonly #dependents = new Map<string, Set<string>>();
  readonly #pending = new Set<string>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  start(): void {
    this.#cluster.store.subscribe((event) => {
      this.#index(event);
    });
  }

  #index({ type, table, object, previous }: StoreEvent): void {
    const { uid = '', deletionTimestamp, ownerReferences = [] } = object.metadata;
    for (const owner of previous?.metadata.ownerReferences ?? []) this.#dependents.get(owner.uid)?.delete(uid);
    if (type === 'DELETED') {
      this.#places.delete(uid);
      for (const dependent of this.#dependents.get(uid) ?? []) this.#schedule(dependent);
      for (const owner of ownerReferences) this.#schedule(owner.uid);
      return;
    }
    this.#places.set(uid, { table, key: recordKey(object) });
    for (const owner of ownerReferences) this.#dependentsOf(owner.uid).add(uid);
    if (ownerReferences.length > 0 || deletionTimestamp !== undefined) this.#schedule(uid);
  }

  #dependentsOf(uid: string): Set<string> {
    let set = this.#dependents.get(uid);
    if (!set) this.#dependents.set(uid, (set = new Set()));
    return set;
  }

  #schedule(uid: string): void {
    if (this.#pending.size === 0) setImmediate(() => this.#run());
    this.#pending.add(uid);
  }

  #run(): void {
    const uids = [...this.#pending];
    this.#pending.clear();
    for (const uid of uids) {
      this.#checkOwners(uid);
      this.#checkPropagation(uid);
    }
  }

  #find(uid: string): { table: string; object: KubeRecord } | undefined {
    const place = this.#places.get(uid);
    const object = place && this.#cluster.store.get(place.table, place.key);
    return place && object?.metadata.uid === uid ? { table: place.table, object } : undefined;
  }

  /** An owner counts when it exists, in the same namespace or cluster-scoped. */
  #ownerOf(object: KubeRecord, reference: OwnerReference): KubeRecord | undefined {
    const owner = this.#find(reference.uid)?.object;
    const namespace = owner?.metadata.namespace;
    return namespace === undefined || namespace === object.metadata.namespace ? owner : undefined;
  }

  #delete(table: string, object: KubeRecord, propagationPolicy: 'Background' | 'Foreground'): void {
    const resource = this.#cluster.registry.byId(table);
    if (!resource || object.metadata.deletionTimestamp !== undefined) return;
    deleteObject(this.#cluster, resource, object.metadata.namespace, object.metadata.name, { propagationPolicy });
  }

  /** Deletes a dependent whose owners are all gone; takes references to gone owners off others. */
  #checkOwners(uid: string): void {
    const found = this.#find(uid);
    const references = found?.object.metadata.ownerReferences ?? [];
    if (!found || references.length === 0) return;
    const { table, object } = found;
    const alive = references.filter((reference) => this.#ownerOf(object, reference));
    if (alive.length === 0) this.#delete(table, object, 'Background');
    else if (alive.length < references.length)
      this.#cluster.store.put(table, withMeta(object, { ownerReferences: alive }));
    else if (alive.every((reference) => this.#isForeground(this.#ownerOf(object, reference))))
      this.#delete(table, object, 'Foreground');
  }

  #isForeground(owner: KubeRecord | undefined): boolean {
    return (
      owner?.metadata.deletionTimestamp !== undefined &&
      owner.metadata.finalizers?.includes(propagationFinalizers.Foreground) === true
    );
  }

  /** Finishes a foreground or orphaning deletion of an owner. */
  #checkPropagation(uid: string): void {
    const found = this.#find(uid);
    if (!found || found.object.metadata.deletionTimestamp === undefined) return;
    const { table, object } = found;
    const dependents = [...this.#dependentsOf(uid)].flatMap((dependent) => this.#find(dependent) ?? []);
    const finalizers = object.metadata.finalizers ?? [];
    if (finalizers.includes(propagationFinalizers.Orphan)) {
      for (const dependent of dependents) this.#disown(dependent, uid);
      release(this.#cluster.store, table, object, propagationFinalizers.Orphan);
    } else if (finalizers.includes(propagationFinalizers.Foreground)) {
      const blocking = dependents.filter(({ object: { metadata } }) =>
        metadata.ownerReferences?.some((owner) => owner.uid === uid && owner.blockOwnerDeletion),
      );
      if (blocking.length === 0) release(this.#cluster.store, table, object, propagationFinalizers.Foreground);
      else for (const dependent of dependents) this.#schedule(dependent.object.metadata.uid ?? '');
    }
  }

  #disown({ table, object }: { table: string; object: KubeRecord }, uid: string): void {
    const left = object.metadata.ownerReferences?.filter((owner) => owner.uid !== uid) ?? [];
    this.#cluster.store.put(table, withMeta(object, { ownerReferences: left.length > 0 ? left : undefined }));
  }
}
