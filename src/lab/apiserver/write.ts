import { randomBytes, randomUUID } from 'node:crypto';
import { ApiError, errors } from './api-error.ts';
import type { Cluster } from './cluster.ts';
import { decode, type FieldValidation } from './decode.ts';
import { metaCauses } from './meta-check.ts';
import { fieldAt, type KubeRecord, keyOf, recordKey, sameJson, withMeta } from './object.ts';
import { type Resource, resourceId } from './resource.ts';

export interface WriteOptions {
  readonly validation: FieldValidation;
  /** Go through everything, store nothing. */
  readonly dryRun: boolean;
}

export interface Written {
  readonly object: KubeRecord;
  readonly warnings: readonly string[];
}

/** What etcd takes at most for one object, in bytes. */
const objectLimit = 1.5 * 1024 * 1024;

function check(resource: Resource, object: KubeRecord): void {
  const causes = [...metaCauses(resource, object), ...(resource.validate?.(object) ?? [])];
  if (causes.length > 0) throw errors.invalid(resource, object.metadata.name, causes);
  if (Buffer.byteLength(JSON.stringify(object)) > objectLimit) {
    throw new ApiError(500, 'InternalError', 'etcdserver: request is too large');
  }
}

function checkNamespace(cluster: Cluster, resource: Resource, namespace: string, name: string): void {
  const state = cluster.namespaceState(namespace);
  if (state === 'missing') {
    throw new ApiError(404, 'NotFound', `namespaces "${namespace}" not found`, { name: namespace, kind: 'namespaces' });
  }
  if (state === 'active') return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  throw errors.forbidden(resource, name, why, [
    {
      reason: 'NamespaceTerminating',
      message: `namespace ${namespace} is being terminated`,
      field: 'metadata.namespace',
    },
  ]);
}

/** RFC 3339 without fractions, as Kubernetes writes times. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

function placed(resource: Resource, namespace: string | undefined, object: KubeRecord): KubeRecord {
  const { generateName, namespace: given } = object.metadata;
  if (resource.namespaced && given !== undefined && given !== namespace) {
    throw errors.badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  const made = generateName === undefined ? undefined : `${generateName}${randomBytes(3).toString('hex').slice(0, 5)}`;
  const name = object.metadata.name ?? made;
  if (name === undefined) {
    const message = 'Required value: name or generateName is required';
    throw errors.invalid(resource, '', [{ reason: 'FieldValueRequired', message, field: 'metadata.name' }]);
  }
  return withMeta(object, { name, namespace: resource.namespaced ? namespace : undefined });
}

/** Creates an object from a request body. Throws ApiError 400, 403, 404 (namespace), 409, 422. */
export function createObject(
  cluster: Cluster,
  resource: Resource,
  namespace: string | undefined,
  body: unknown,
  options: WriteOptions,
): Written {
  const { object: given, warnings } = decode(resource, body, options.validation);
  if (given.metadata.resourceVersion !== undefined) {
    throw errors.badRequest('resourceVersion should not be set on objects to be created');
  }
  const named = placed(resource, namespace, given);
  if (resource.namespaced) checkNamespace(cluster, resource, namespace ?? '', named.metadata.name);
  const stamped = withMeta(named, {
    uid: randomUUID(),
    creationTimestamp: timestamp(cluster.now()),
    generation: resource.counted ? 1 : undefined,
    deletionTimestamp: undefined,
    deletionGracePeriodSeconds: undefined,
  });
  const { status: _status, ...bare } = stamped;
  const fresh = resource.statusSubresource && !resource.builtIn ? (bare as KubeRecord) : stamped;
  check(resource, fresh);
  const object = resource.onCreate?.(fresh) ?? fresh;
  const table = resourceId(resource);
  if (cluster.store.get(table, recordKey(object))) throw errors.alreadyExists(resource, object.metadata.name);
  return { object: options.dryRun ? object : cluster.store.put(table, object), warnings };
}

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
    throw errors.conflict(
      resource,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`,
    );
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
  const stored = cluster.store.put(table, object);
  return { object: settle(cluster, table, stored), warnings };
}

/** What still holds a deleted object: its finalizers, and for a namespace the one in its spec. */
export function isHeld(object: KubeRecord): boolean {
  const own = object.kind === 'Namespace' ? fieldAt(object, ['spec', 'finalizers']) : undefined;
  return (object.metadata.finalizers?.length ?? 0) > 0 || (Array.isArray(own) && own.length > 0);
}

/** Takes a deleted object away once nothing holds it. */
export function settle(cluster: Cluster, table: string, object: KubeRecord): KubeRecord {
  if (object.metadata.deletionTimestamp === undefined || isHeld(object)) return object;
  return cluster.store.remove(table, recordKey(object)) ?? object;
}
