import { type Fields, isFields } from '../object.ts';

/** A structural schema (apiextensions.k8s.io/v1), as far as this server looks into it. */
export interface StructuralSchema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: boolean | StructuralSchema;
  readonly items?: StructuralSchema;
  readonly required?: readonly string[];
  readonly nullable?: boolean;
  readonly default?: unknown;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly [keyword: string]: unknown;
}

/** Whether a JSON value can be a schema. */
export function isSchema(value: unknown): value is StructuralSchema {
  return isFields(value);
}

/** A JSON value as a schema; what is none allows everything. */
export function schemaFrom(value: unknown): StructuralSchema {
  return isSchema(value) ? value : { 'x-kubernetes-preserve-unknown-fields': true };
}

const metaFields = [
  'name generateName namespace selfLink uid resourceVersion generation creationTimestamp deletionTimestamp',
  'deletionGracePeriodSeconds labels annotations ownerReferences finalizers managedFields',
]
  .join(' ')
  .split(' ');

const metaSchema: StructuralSchema = {
  type: 'object',
  properties: Object.fromEntries(
    metaFields.map((field) => [field, { 'x-kubernetes-preserve-unknown-fields': true } satisfies StructuralSchema]),
  ),
};

/** The schema of a whole object: what every object has is known even where the CRD does not mention it. */
export function rootSchema(schema: StructuralSchema): StructuralSchema {
  return {
    ...schema,
    properties: {
      ...schema.properties,
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: metaSchema,
    },
  };
}

function pruneFields(schema: StructuralSchema, value: Fields, path: string, unknown: string[]): Fields {
  const kept: Fields = {};
  const keepRest = schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true;
  for (const [field, child] of Object.entries(value)) {
    const at = path === '' ? field : `${path}.${field}`;
    const known =
      schema.properties?.[field] ?? (isFields(schema.additionalProperties) ? schema.additionalProperties : undefined);
    if (known) kept[field] = prune(known, child, at, unknown);
    else if (keepRest) kept[field] = child;
    else unknown.push(at);
  }
  return kept;
}

/** The value without the fields that its schema does not know; their paths are added to `unknown`. */
export function prune(schema: StructuralSchema, value: unknown, path: string, unknown: string[]): unknown {
  if (Array.isArray(value)) {
    const items = schema.items;
    return items ? value.map((item, i) => prune(items, item, `${path}[${i}]`, unknown)) : value;
  }
  if (!isFields(value)) return value;
  const open = schema.type === undefined && schema['x-kubernetes-preserve-unknown-fields'] === true;
  return open && schema.properties === undefined ? value : pruneFields(schema, value, path, unknown);
}

/** The value with the schema's defaults filled in; null where null is not allowed and a default exists counts as missing. */
export function withDefaults(schema: StructuralSchema, value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = schema.items;
    return items ? value.map((item) => withDefaults(items, item)) : value;
  }
  if (!isFields(value)) return value;
  const filled: Fields = { ...value };
  for (const [field, child] of Object.entries(schema.properties ?? {})) {
    const missing = filled[field] === undefined || (filled[field] === null && child.nullable !== true);
    if (missing && child.default !== undefined) filled[field] = structuredClone(child.default);
  }
  for (const [field, child] of Object.entries(filled)) {
    const known =
      schema.properties?.[field] ?? (isFields(schema.additionalProperties) ? schema.additionalProperties : undefined);
    if (known) filled[field] = withDefaults(known, child);
  }
  return filled;
}
