import { errors } from './api-error.ts';
import type { Cluster } from './cluster.ts';
import { type Fields, fieldsOf, isFields, keyOf, listOf, sameJson, textOf } from './object.ts';
import { type Resource, resourceId } from './resource.ts';
import { strategicMerge } from './strategic-patch.ts';
import type { StructuralSchema } from './structural.ts';
import { changeObject, createObject, type WriteOptions, type Written } from './write.ts';

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
    resource.builtIn
      ? strategicMerge(old, body)
      : mergeBySchema(
          { ...resource.schema, properties: { ...resource.schema?.properties, metadata: metaSchema } },
          old,
          body,
        );
  return {
    ...changeObject(cluster, resource, { namespace, name, subresource: undefined, next }, options),
    created: false,
  };
}

const metaSchema: StructuralSchema = {
  properties: { ownerReferences: { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['uid'] } },
};

/** Objects merge; lists do where the schema names their keys (`map`), or are sets; everything else is replaced. */
function mergeBySchema(schema: StructuralSchema | undefined, old: unknown, given: unknown): unknown {
  if (Array.isArray(given)) return mergeList(schema, listOf(old), given);
  if (!isFields(given)) return given;
  const merged: Fields = isFields(old) ? { ...old } : {};
  for (const [field, value] of Object.entries(given)) {
    const below =
      schema?.properties?.[field] ?? (isFields(schema?.additionalProperties) ? schema.additionalProperties : undefined);
    merged[field] = mergeBySchema(below, merged[field], value);
  }
  return merged;
}

function mergeList(
  schema: StructuralSchema | undefined,
  old: readonly unknown[],
  given: readonly unknown[],
): unknown[] {
  const keys = schema?.['x-kubernetes-list-map-keys'] ?? [];
  const kind = schema?.['x-kubernetes-list-type'];
  if (kind === 'set') return [...old, ...given.filter((item) => !old.includes(item))];
  if (kind !== 'map') return [...given];
  const isSame =
    (a: unknown) =>
    (b: unknown): boolean =>
      keys.every((key) => sameJson(fieldsOf(a)[key], fieldsOf(b)[key]));
  const merged = old.map((item) => {
    const change = given.find(isSame(item));
    return change === undefined ? item : mergeBySchema(schema?.items, item, change);
  });
  return [...merged, ...given.filter((item) => !old.some(isSame(item)))];
}
