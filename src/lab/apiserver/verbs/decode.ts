import { errors } from '../api-error.ts';
import { checkMetaTypes } from '../kinds/meta-check.ts';
import { groupVersion, type Resource } from '../kinds/resource.ts';
import { prune, withDefaults } from '../kinds/structural.ts';
import { type Fields, fieldsOf, isFields, isRecord, type KubeRecord, textOf } from '../object.ts';

/** What to do with fields that the schema does not know: refuse, warn about, or drop them. */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

export interface Decoded {
  readonly object: KubeRecord;
  /** Texts for Warning headers. */
  readonly warnings: readonly string[];
}

/** Empty or null parts of metadata are left out, as Go's omitempty does; fields that no client owns go too. */
function cleanMeta(metadata: Fields): Fields {
  const { managedFields: _m, selfLink: _s, ...rest } = metadata;
  return Object.fromEntries(
    Object.entries(rest).filter(([, value]) => {
      if (value === null || value === '') return false;
      return typeof value !== 'object' || Object.keys(value ?? {}).length > 0;
    }),
  );
}

function checkType(resource: Resource, body: Fields): void {
  const expected = groupVersion(resource);
  const { apiVersion = resource.builtIn ? expected : undefined, kind = resource.builtIn ? resource.kind : undefined } =
    body;
  if (kind === undefined || kind === '') throw errors.badRequest("Object 'Kind' is missing in the request body");
  if (apiVersion !== expected) {
    throw errors.badRequest(
      `the API version in the data (${textOf(apiVersion)}) does not match the expected API version (${expected})`,
    );
  }
  if (kind !== resource.kind && !resource.builtIn) {
    const message = `Invalid value: ${JSON.stringify(kind)}: must be ${resource.kind}`;
    const name = textOf(fieldsOf(body.metadata).name);
    throw errors.invalid(resource, name, [{ reason: 'FieldValueInvalid', message, field: 'kind' }]);
  }
  if (kind !== resource.kind) {
    throw errors.badRequest(
      `${resource.kind} in version "${resource.version}" cannot be handled as a ${textOf(kind)}: the kind in the data (${textOf(kind)}) does not match the expected kind (${resource.kind})`,
    );
  }
}

function pruned(resource: Resource, body: Fields, validation: FieldValidation): { body: Fields; warnings: string[] } {
  const unknown: string[] = [];
  if (!resource.schema) return { body, warnings: [] };
  const kept = fieldsOf(withDefaults(resource.schema, prune(resource.schema, body, '', unknown)));
  const texts = unknown.map((path) => `unknown field "${path}"`);
  if (texts.length > 0 && validation === 'Strict') {
    throw errors.badRequest(
      `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: strict decoding error: ${texts.join(', ')}`,
    );
  }
  return { body: kept, warnings: validation === 'Warn' ? texts : [] };
}

/** Reads a request's object: right type, sound metadata, unknown fields dropped, defaults filled in. Throws ApiError 400. */
export function decode(resource: Resource, body: unknown, validation: FieldValidation): Decoded {
  if (!isFields(body)) throw errors.badRequest('the request body must be an object');
  checkType(resource, body);
  const given = body.metadata ?? {};
  checkMetaTypes(given);
  const result = pruned(resource, { ...body, metadata: given }, validation);
  const object: unknown = {
    ...result.body,
    apiVersion: groupVersion(resource),
    kind: resource.kind,
    metadata: cleanMeta(fieldsOf(result.body.metadata)),
  };
  if (!isRecord(object)) throw errors.badRequest('the request body is not a Kubernetes object');
  return { object, warnings: result.warnings };
}
