import { groupVersion, type Resource } from '../kinds/resource.ts';
import type { Fields, KubeRecord } from '../object.ts';

/** How a client wants objects: whole, as rows of a table, or metadata only. */
export interface Form {
  readonly as: 'Object' | 'Table' | 'PartialObjectMetadata';
  /** `v1` or `v1beta1` of meta.k8s.io. */
  readonly version: string;
  /** What a row carries of its object. */
  readonly include: 'None' | 'Metadata' | 'Object';
}

function splitAt(parameter: string): [string, string] {
  const [name = '', value = ''] = parameter.split('=');
  return [name, value];
}

/** Picks the form from the Accept header (first acceptable wins) and includeObject. */
export function formOf(accept: string | undefined, includeObject: string | null): Form {
  const include = includeObject === 'None' || includeObject === 'Object' ? includeObject : 'Metadata';
  for (const range of (accept ?? '').split(',')) {
    const [type, ...parameters] = range.split(';').map((part) => part.trim());
    const values = new Map(parameters.map((parameter) => splitAt(parameter)));
    const version = values.get('v') ?? 'v1';
    const as = values.get('as');
    if (type !== 'application/json' && type !== '*/*') continue;
    if (as === undefined) break;
    if (values.get('g') !== 'meta.k8s.io') continue;
    if (as === 'Table') return { as, version, include };
    if (as.startsWith('PartialObjectMetadata')) return { as: 'PartialObjectMetadata', version, include };
  }
  return { as: 'Object', version: 'v1', include };
}

/** The object with nothing but its metadata. */
export function metadataOnly(object: KubeRecord, form: Form): Fields {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${form.version}`, metadata: object.metadata };
}

function rowOf(resource: Resource, object: KubeRecord, form: Form, now: number): Fields {
  const shown = form.include === 'Object' ? object : metadataOnly(object, form);
  return {
    cells: resource.columns.map((column) => column.cell(object, now)),
    ...(form.include === 'None' ? {} : { object: shown }),
  };
}

/**
 * A meta.k8s.io Table of objects.
 * @param metadata of the list, or of the single object
 * @param headers false in all but the first event of a watch
 */
export function tableOf(
  resource: Resource,
  objects: readonly KubeRecord[],
  metadata: Fields,
  form: Form,
  now: number,
  headers = true,
): Fields {
  const definitions = resource.columns.map(({ name, type, format = '', description = '', priority }) => ({
    name,
    type,
    format,
    description,
    priority,
  }));
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${form.version}`,
    metadata,
    ...(headers ? { columnDefinitions: definitions } : {}),
    rows: objects.map((object) => rowOf(resource, object, form, now)),
  };
}

/** One object as the client wants it. */
export function shaped(resource: Resource, object: KubeRecord, form: Form, now: number, headers = true): Fields {
  if (form.as === 'PartialObjectMetadata') return metadataOnly(object, form);
  if (form.as === 'Object') return { ...object, apiVersion: groupVersion(resource) };
  return tableOf(resource, [object], { resourceVersion: object.metadata.resourceVersion }, form, now, headers);
}
