import { errors } from '../api-error.ts';
import { type Resource, resourceId } from '../kinds/resource.ts';
import { type KubeRecord, keyOf, sameJson, withMeta } from '../object.ts';
import type { Cluster } from '../storage/cluster.ts';
import { settle } from '../storage/finalizers.ts';
import { check, type WriteOptions, type Written } from './check.ts';
import { decode } from './decode.ts';

/** A change of a stored object: where it is, and the new object as the client wants it. */
export interface Change {
  readonly namespace: string | undefined;
  readonly name: string;
  readonly subresource: 'status' | undefined;
  /** Makes the wanted object from the stored one. */
  readonly next: (old: KubeRecord) => unknown;
}

function checkIdentity(resource: Resource, old: KubeRecord, wanted: KubeRecord): void {
  const { name, namespace, uid, resourceVersion, deletionTimestamp } = wanted.metadata;
  if (name !== old.metadata.name) {
    throw errors.badRequest(
      `the name of the object (${name}) does not match the name on the URL (${old.metadata.name})`,
    );
  }
  if (resource.namespaced && namespace !== undefined && namespace !== old.metadata.namespace) {
    throw errors.badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (uid !== undefined && uid !== old.metadata.uid) {
    throw errors.otherUid(resource, name, uid, old.metadata.uid);
  }
  if (deletionTimestamp !== undefined && old.metadata.deletionTimestamp === undefined) {
    const message = `Invalid value: ${JSON.stringify(deletionTimestamp)}: field is immutable`;
    const field = 'metadata.deletionTimestamp';
    throw errors.invalid(resource, name, [{ reason: 'FieldValueInvalid', message, field }]);
  }
  if (resourceVersion === undefined && !resource.builtIn) {
    const message = 'Invalid value: 0x0: must be specified for an update';
    throw errors.invalid(resource, name, [{ reason: 'FieldValueInvalid', message, field: 'metadata.resourceVersion' }]);
  }
  if (resourceVersion !== undefined && resourceVersion !== old.metadata.resourceVersion) {
    throw errors.conflict(
      resource,
      name,
      'the object has been modified; please apply your changes to the latest version and try again',
    );
  }
}

function checkFinalizers(resource: Resource, old: KubeRecord, wanted: KubeRecord): void {
  if (old.metadata.deletionTimestamp === undefined) return;
  const added = (wanted.metadata.finalizers ?? []).filter((item) => !old.metadata.finalizers?.includes(item));
  if (added.length === 0) return;
  const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`;
  throw errors.invalid(resource, old.metadata.name, [
    { reason: 'FieldValueForbidden', message, field: 'metadata.finalizers' },
  ]);
}

function merged(
  resource: Resource,
  old: KubeRecord,
  wanted: KubeRecord,
  subresource: 'status' | undefined,
): KubeRecord {
  const metadata = subresource && !resource.statusTakesMetadata ? old.metadata : wanted.metadata;
  const { status: _old, ...rest } = old;
  const { status: _wanted, ...main } = wanted;
  const keepsStatus = subresource === undefined && resource.statusSubresource;
  const status = keepsStatus ? old.status : wanted.status;
  const base = (subresource ? rest : main) as KubeRecord;
  const object = { ...base, metadata, ...(status === undefined ? {} : { status }) };
  const {
    uid,
    namespace,
    creationTimestamp,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    generation,
    resourceVersion,
  } = old.metadata;
  return withMeta(object, {
    uid,
    namespace,
    creationTimestamp,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    generation,
    resourceVersion,
  });
}

/** Whether anything but metadata (and status, where that is apart) differs. */
function specChanged(resource: Resource, a: KubeRecord, b: KubeRecord): boolean {
  const bare = (object: KubeRecord): KubeRecord => ({
    ...object,
    metadata: { name: '' },
    ...(resource.statusSubresource ? { status: null } : {}),
  });
  return !sameJson(bare(a), bare(b));
}

/** Changes an object by PUT or PATCH, the main resource or its status. Throws ApiError 400, 404, 409, 422. */
export function changeObject(cluster: Cluster, resource: Resource, change: Change, options: WriteOptions): Written {
  const table = resourceId(resource);
  const old = cluster.store.get(table, keyOf(change.namespace, change.name));
  if (!old) throw errors.notFound(resource, change.name);
  const { object: wanted, warnings } = decode(resource, change.next(old), options.validation);
  checkIdentity(resource, old, wanted);
  checkFinalizers(resource, old, wanted);
  const plain = merged(resource, old, wanted, change.subresource);
  const touched = change.subresource ? plain : (resource.onUpdate?.(plain, old) ?? plain);
  const generation = old.metadata.generation;
  const object =
    generation !== undefined && specChanged(resource, touched, old)
      ? withMeta(touched, { generation: generation + 1 })
      : touched;
  check(resource, object);
  if (sameJson(object, old)) return { object: old, warnings };
  if (options.dryRun) return { object, warnings };
  return { object: settle(cluster.store, table, object), warnings };
}
