import { randomBytes, randomUUID } from 'node:crypto';
import { ApiError, errors } from '../api-error.ts';
import { type Resource, resourceId } from '../kinds/resource.ts';
import { type KubeRecord, recordKey, timestamp, withMeta } from '../object.ts';
import type { Cluster } from '../storage/cluster.ts';
import { check, type WriteOptions, type Written } from './check.ts';
import { decode } from './decode.ts';

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
