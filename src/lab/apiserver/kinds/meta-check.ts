import { errors } from '../api-error.ts';
import type { Cause } from '../cause.ts';
import { isFields, type KubeRecord } from '../object.ts';
import type { Resource } from './resource.ts';

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const qualifiedName = /^([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$/;
const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?$/;
const annotationLimit = 256 * 1024;

function invalid(field: string, value: unknown, why: string): Cause {
  return { reason: 'FieldValueInvalid', message: `Invalid value: ${JSON.stringify(value)}: ${why}`, field };
}

function nameCauses(resource: Resource, name: string): Cause[] {
  if (resource.group === 'rbac.authorization.k8s.io') return [];
  const [rule, limit, text] =
    resource.kind === 'Namespace' || resource.kind === 'Service'
      ? [label, 63, 'a lowercase RFC 1123 label must consist of lower case alphanumeric characters or "-"']
      : [
          subdomain,
          253,
          'a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, "-" or "."',
        ];
  const start = `${text}, and must start and end with an alphanumeric character`;
  if (name.length > limit) return [invalid('metadata.name', name, `must be no more than ${limit} characters`)];
  return rule.test(name) ? [] : [invalid('metadata.name', name, start)];
}

function keyCauses(key: string, field: string): Cause[] {
  const parts = key.split('/');
  const name = parts.at(-1) ?? '';
  const prefix = parts.length === 2 ? parts[0] : undefined;
  const good = parts.length <= 2 && qualifiedName.test(name) && (prefix === undefined || subdomain.test(prefix));
  return good
    ? []
    : [invalid(field, key, 'must be a qualified name: [prefix/]name with at most 63 characters in the name')];
}

/** What is wrong with the metadata of an object that is about to be stored. */
export function metaCauses(resource: Resource, object: KubeRecord): Cause[] {
  const { name, labels = {}, annotations = {}, finalizers = [], ownerReferences = [] } = object.metadata;
  const causes = [...nameCauses(resource, name)];
  for (const [key, value] of Object.entries(labels)) {
    causes.push(...keyCauses(key, 'metadata.labels'));
    if (!labelValue.test(value)) {
      causes.push(
        invalid(
          'metadata.labels',
          value,
          'a valid label must be an empty string or consist of at most 63 alphanumeric characters, "-", "_" or ".", and must start and end with an alphanumeric character',
        ),
      );
    }
  }
  for (const key of Object.keys(annotations)) causes.push(...keyCauses(key.toLowerCase(), 'metadata.annotations'));
  const size = Object.entries(annotations).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
  if (size > annotationLimit)
    causes.push({
      reason: 'FieldValueTooLong',
      message: `Too long: may not be more than ${annotationLimit} bytes`,
      field: 'metadata.annotations',
    });
  for (const finalizer of finalizers) causes.push(...keyCauses(finalizer, 'metadata.finalizers'));
  ownerReferences.forEach((owner, i) => {
    for (const field of ['apiVersion', 'kind', 'name', 'uid'] as const) {
      if (typeof owner[field] !== 'string' || owner[field] === '') {
        causes.push(invalid(`metadata.ownerReferences[${i}].${field}`, owner[field] ?? '', 'must not be empty'));
      }
    }
  });
  return causes;
}

type Shape = 'text' | 'texts' | 'map' | 'list';

const shapes: Readonly<Record<string, Shape>> = {
  name: 'text',
  namespace: 'text',
  generateName: 'text',
  uid: 'text',
  resourceVersion: 'text',
  labels: 'map',
  annotations: 'map',
  finalizers: 'texts',
  ownerReferences: 'list',
};

function fits(value: unknown, shape: Shape): boolean {
  if (value === undefined || value === null) return true;
  if (shape === 'text') return typeof value === 'string';
  if (shape === 'map') return isFields(value) && Object.values(value).every((item) => typeof item === 'string');
  if (shape === 'texts') return Array.isArray(value) && value.every((item) => typeof item === 'string');
  return Array.isArray(value) && value.every(isFields);
}

/** Throws ApiError 400 when metadata does not have the types of ObjectMeta. */
export function checkMetaTypes(metadata: unknown): void {
  if (!isFields(metadata)) throw errors.badRequest('metadata must be an object');
  for (const [field, shape] of Object.entries(shapes)) {
    if (fits(metadata[field], shape)) continue;
    const wanted = { text: 'string', texts: '[]string', map: 'map[string]string', list: '[]OwnerReference' }[shape];
    throw errors.badRequest(
      `json: cannot unmarshal ${JSON.stringify(metadata[field])} into Go struct field ObjectMeta.metadata.${field} of type ${wanted}`,
    );
  }
}
