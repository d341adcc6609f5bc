import { errors } from '../api-error.ts';
import { type Resource, resourceId } from '../kinds/resource.ts';
import { fieldsOf, keyOf, listOf, textOf } from '../object.ts';
import { schemaMerge } from '../patch/schema-merge.ts';
import { strategicMerge } from '../patch/strategic-patch.ts';
import type { Cluster } from '../storage/cluster.ts';
import { changeObject } from './change.ts';
import type { WriteOptions, Written } from './check.ts';
import { createObject } from './create.ts';

/** Which object is applied, in whose name. */
export interface Apply {
  readonly namespace: string | undefined;
  readonly name: string;
  readonly fieldManager: string | null;
  readonly body: unknown;
}

/**
 * Server-side apply as far as a lab needs it: makes the object, or merges what is given into it. Nobody holds a field here: nothing
 * conflicts, and what a manager leaves out is not taken away. Throws ApiError 400, 403, 404 (namespace), 409, 422.
 */
export function applyObject(
  cluster: Cluster,
  resource: Resource,
  apply: Apply,
  options: WriteOptions,
): Written & { readonly created: boolean } {
  const { namespace, name, fieldManager, body } = apply;
  if (fieldManager === null || fieldManager === '') {
    const message = 'Required value: is required for apply patch';
    throw errors.invalid({ ...resource, group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [
      { reason: 'FieldValueRequired', message, field: 'fieldManager' },
    ]);
  }
  const metadata = fieldsOf(fieldsOf(body).metadata);
  if (listOf(metadata.managedFields).length > 0) throw errors.badRequest('metadata.managedFields must be nil');
  if (cluster.store.get(resourceId(resource), keyOf(namespace, name)) === undefined) {
    if (metadata.uid !== undefined) {
      const why = `uid mismatch: the provided object specified uid ${textOf(metadata.uid)}, and no existing object was found`;
      throw errors.conflict(resource, name, why);
    }
    return { ...createObject(cluster, resource, namespace, body, options), created: true };
  }
  const next = (old: unknown): unknown =>
    resource.builtIn ? strategicMerge(old, body) : schemaMerge(resource.schema, old, body);
  return {
    ...changeObject(cluster, resource, { namespace, name, subresource: undefined, next }, options),
    created: false,
  };
}
