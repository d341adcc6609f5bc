import type { ObjectMeta } from '../../api/meta.ts';

/** Any JSON object. */
export type Fields = Record<string, unknown>;

/** metadata of an object on its way into or out of the store. */
export interface RecordMeta extends ObjectMeta {
  generateName?: string;
  deletionGracePeriodSeconds?: number;
}

/** An object as the store holds it. Stored objects are never changed in place: every change makes a new one. */
export interface KubeRecord {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: RecordMeta;
  readonly [field: string]: unknown;
}

/** Whether a JSON value is an object (not null, not a list). */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Place of an object within its resource: `namespace/name`, or `/name` for cluster-scoped ones. */
export function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

/** The key of a stored object. */
export function recordKey(object: KubeRecord): string {
  return keyOf(object.metadata.namespace, object.metadata.name);
}

/** The value if it is an object, else an empty one. */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

/** The value if it is a list, else an empty one. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A plain value as text; `missing` for everything else. */
export function textOf(value: unknown, missing = ''): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : missing;
}

/** Whether a JSON value has the frame of a Kubernetes object; what is in metadata is checked by checkMetaTypes. */
export function isRecord(value: unknown): value is KubeRecord {
  return (
    isFields(value) &&
    typeof value.apiVersion === 'string' &&
    typeof value.kind === 'string' &&
    isFields(value.metadata)
  );
}

/** The same object with some metadata replaced; a field given as undefined is left out. */
export function withMeta(
  object: KubeRecord,
  change: { readonly [K in keyof RecordMeta]?: RecordMeta[K] | undefined },
): KubeRecord {
  const kept = Object.entries({ ...object.metadata, ...change }).filter(([, value]) => value !== undefined);
  const changed: unknown = { ...object, metadata: Object.fromEntries(kept) };
  return isRecord(changed) ? changed : object;
}

/** Deep equality of JSON values, blind to the order of fields. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameJson(item, b[i]));
  if (!isFields(a) || !isFields(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
  );
}

/** The value at a path of plain field names, or undefined. */
export function fieldAt(object: unknown, path: readonly string[]): unknown {
  let value: unknown = object;
  for (const step of path) {
    if (!isFields(value)) return undefined;
    value = value[step];
  }
  return value;
}

/** RFC 3339 without fractions, as Kubernetes writes times. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
