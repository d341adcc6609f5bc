import type { StructuralSchema } from '../kinds/structural.ts';
import { type Fields, fieldsOf, isFields, listOf, sameJson } from '../object.ts';

const metaSchema: StructuralSchema = {
  properties: { ownerReferences: { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['uid'] } },
};

/**
 * What is applied, merged into what is there, as server-side apply does: objects merge; lists do where the schema names their keys
 * (`map`), or are sets; everything else is replaced.
 */
export function schemaMerge(schema: StructuralSchema | undefined, old: unknown, given: unknown): unknown {
  const whole = { ...schema, properties: { ...schema?.properties, metadata: metaSchema } };
  return mergeBySchema(whole, old, given);
}

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
