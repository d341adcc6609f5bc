import { crdFinalizer, crdResource } from '../kinds/crd.ts';
import { type Resource, resourceId } from '../kinds/resource.ts';
import type { KubeRecord } from '../object.ts';
import type { Cluster } from '../storage/cluster.ts';
import { isHeld, release, settle } from '../storage/finalizers.ts';
import type { StoreEvent } from '../storage/store.ts';
import { deleteObject } from '../verbs/delete.ts';

/** Empties ending namespaces, and the tables of ending CRDs, and lets them go when nothing is left in them. */
export class ContentKeeper {
  readonly #cluster: Cluster;
  readonly #crdTable = resourceId(crdResource());
  #scheduled = false;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  start(): void {
    this.#cluster.store.subscribe((event) => {
      if (this.#concerns(event)) this.#schedule();
    });
  }

  #concerns({ type, table, object }: StoreEvent): boolean {
    if (type === 'DELETED') return this.#endingHolder(table, object);
    return object.metadata.deletionTimestamp !== undefined && (table === 'namespaces' || table === this.#crdTable);
  }

  /** Whether an object that went was in an ending namespace, or of an ending CRD. */
  #endingHolder(table: string, object: KubeRecord): boolean {
    const { namespace } = object.metadata;
    if (namespace !== undefined && this.#cluster.namespaceState(namespace) === 'ending') return true;
    return this.#cluster.store.get(this.#crdTable, `/${table}`)?.metadata.deletionTimestamp !== undefined;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      for (const namespace of this.#ending('namespaces')) this.#emptyNamespace(namespace);
      for (const crd of this.#ending(this.#crdTable)) this.#emptyCrd(crd);
    });
  }

  #ending(table: string): KubeRecord[] {
    return this.#cluster.store.list(table).filter((object) => object.metadata.deletionTimestamp !== undefined);
  }

  /** Deletes the objects that match; true when none is left. */
  #empty(resource: Resource, matches: (object: KubeRecord) => boolean): boolean {
    const table = resourceId(resource);
    for (const object of this.#cluster.store.list(table).filter(matches)) {
      if (object.metadata.deletionTimestamp !== undefined) continue;
      deleteObject(this.#cluster, resource, object.metadata.namespace, object.metadata.name, {});
    }
    return !this.#cluster.store.list(table).some(matches);
  }

  #emptyNamespace(namespace: KubeRecord): void {
    const { name } = namespace.metadata;
    const resources = this.#cluster.registry.tables().filter((resource) => resource.namespaced);
    const left = resources.filter((resource) => !this.#empty(resource, (object) => object.metadata.namespace === name));
    if (left.length > 0) return;
    const current = this.#cluster.store.get('namespaces', `/${name}`);
    // Without its own finalizer it only waits for those of others.
    if (current && isHeld({ ...current, metadata: { name } }))
      settle(this.#cluster.store, 'namespaces', { ...current, spec: { finalizers: [] } });
  }

  #emptyCrd(crd: KubeRecord): void {
    if (!crd.metadata.finalizers?.includes(crdFinalizer)) return;
    const resource = this.#cluster.registry.byId(crd.metadata.name);
    if (resource && !this.#empty(resource, () => true)) return;
    release(this.#cluster.store, this.#crdTable, crd, crdFinalizer);
  }
}
