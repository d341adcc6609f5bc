import { errors } from '../api-error.ts';
import { statusWith } from '../kinds/builtins.ts';
import { type Resource, resourceId } from '../kinds/resource.ts';
import { type KubeRecord, keyOf, timestamp, withMeta } from '../object.ts';
import type { Cluster } from '../storage/cluster.ts';
import { isHeld, propagationFinalizers } from '../storage/finalizers.ts';

/** metav1.DeleteOptions, as far as it is looked at. Grace periods are not: there is no kubelet to wait for. */
export interface DeleteOptions {
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
}

export interface Deleted {
  readonly object: KubeRecord;
  /** False while finalizers hold it. */
  readonly gone: boolean;
}

const lastingNamespaces = new Set(['default', 'kube-system', 'kube-public']);

function checkPreconditions(resource: Resource, object: KubeRecord, wanted: DeleteOptions['preconditions']): void {
  const { name, uid, resourceVersion } = object.metadata;
  if (wanted?.uid !== undefined && wanted.uid !== uid) {
    throw errors.otherUid(resource, name, wanted.uid, uid);
  }
  if (wanted?.resourceVersion !== undefined && wanted.resourceVersion !== resourceVersion) {
    throw errors.conflict(
      resource,
      name,
      `Precondition failed: ResourceVersion in precondition: ${wanted.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`,
    );
  }
}

function ending(cluster: Cluster, object: KubeRecord): KubeRecord {
  if (object.metadata.deletionTimestamp !== undefined) return object;
  const generation = object.metadata.generation;
  const marked = withMeta(object, {
    deletionTimestamp: timestamp(cluster.now()),
    deletionGracePeriodSeconds: 0,
    generation: generation === undefined ? undefined : generation + 1,
  });
  return object.kind === 'Namespace' ? statusWith(marked, { phase: 'Terminating' }) : marked;
}

function withFinalizer(object: KubeRecord, policy: DeleteOptions['propagationPolicy']): KubeRecord {
  if (policy !== 'Foreground' && policy !== 'Orphan') return object;
  return withMeta(object, {
    finalizers: [...new Set([...(object.metadata.finalizers ?? []), propagationFinalizers[policy]])],
  });
}

/** Deletes an object, or marks it as ending while finalizers hold it. Throws ApiError 403, 404, 409. */
export function deleteObject(
  cluster: Cluster,
  resource: Resource,
  namespace: string | undefined,
  name: string,
  options: DeleteOptions,
): Deleted {
  const table = resourceId(resource);
  const old = cluster.store.get(table, keyOf(namespace, name));
  if (!old) throw errors.notFound(resource, name);
  checkPreconditions(resource, old, options.preconditions);
  if (table === 'namespaces' && lastingNamespaces.has(name)) {
    throw errors.forbidden(resource, name, 'this namespace may not be deleted');
  }
  const wanted = withFinalizer(old, options.propagationPolicy);
  if (options.dryRun) return { object: wanted, gone: !isHeld(wanted) };
  if (!isHeld(wanted)) return { object: cluster.store.remove(table, keyOf(namespace, name)) ?? old, gone: true };
  if (old.metadata.deletionTimestamp !== undefined && wanted === old) return { object: old, gone: false };
  return { object: cluster.store.put(table, ending(cluster, wanted)), gone: false };
}
