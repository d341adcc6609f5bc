import { messageOf } from '../../../api/message-of.ts';
import type { Cause } from '../cause.ts';
import { type Fields, fieldAt, fieldsOf, isFields, type KubeRecord, listOf, textOf } from '../object.ts';
import { jsonPath } from './json-path.ts';

/** Keywords of JSONSchemaProps; anything else in a CRD's schema is an unknown field to a real server. */
const knownKeywords = new Set(
  [
    'type description title format properties additionalProperties items required enum default example externalDocs nullable',
    'minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern minItems maxItems uniqueItems',
    'minProperties maxProperties allOf anyOf oneOf not',
    'x-kubernetes-preserve-unknown-fields x-kubernetes-embedded-resource x-kubernetes-int-or-string',
    'x-kubernetes-list-type x-kubernetes-list-map-keys x-kubernetes-map-type x-kubernetes-validations',
  ]
    .join(' ')
    .split(' '),
);

const required = (field: string, message = 'Required value'): Cause => ({
  reason: 'FieldValueRequired',
  message,
  field,
});
const forbidden = (field: string, why: string): Cause => ({
  reason: 'FieldValueForbidden',
  message: `Forbidden: ${why}`,
  field,
});
const invalid = (field: string, value: unknown, why: string): Cause => ({
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
  field,
});

function listCauses(schema: Fields, path: string): Cause[] {
  if (schema['x-kubernetes-list-type'] !== 'map') return [];
  const keys = schema['x-kubernetes-list-map-keys'];
  if (!Array.isArray(keys) || keys.length === 0) return [required(`${path}.x-kubernetes-list-map-keys`)];
  return keys.flatMap((key): Cause[] => {
    const needed = fieldAt(schema, ['items', 'required']);
    const known = isFields(fieldAt(schema, ['items', 'properties', String(key)]));
    if (!known)
      return [invalid(`${path}.x-kubernetes-list-map-keys`, key, 'entries must all be names of item properties')];
    const hasDefault = fieldAt(schema, ['items', 'properties', String(key), 'default']) !== undefined;
    const listed = Array.isArray(needed) && needed.includes(key);
    return hasDefault || listed
      ? []
      : [
          required(
            `${path}.items.properties[${String(key)}].default`,
            'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
          ),
        ];
  });
}

/** What a real server refuses in a structural schema, below one node. */
function schemaCauses(schema: Fields, path: string): Cause[] {
  const causes: Cause[] = Object.keys(schema)
    .filter((keyword) => !knownKeywords.has(keyword))
    .map((keyword) => forbidden(`${path}.${keyword}`, 'no keyword of a structural schema'));
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true || schema['x-kubernetes-int-or-string'] === true;
  if (typeof schema.type !== 'string' && !open)
    causes.push(required(`${path}.type`, 'Required value: must not be empty for specified object fields'));
  if (isFields(schema.properties) && schema.additionalProperties !== undefined)
    causes.push(forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'));
  if (schema.uniqueItems === true) causes.push(forbidden(`${path}.uniqueItems`, 'uniqueItems cannot be set to true'));
  if (schema.type === 'array' && !isFields(schema.items))
    causes.push(required(`${path}.items`, 'Required value: must be specified'));
  causes.push(...listCauses(schema, path));
  for (const [name, child] of Object.entries(isFields(schema.properties) ? schema.properties : {})) {
    if (isFields(child)) causes.push(...schemaCauses(child, `${path}.properties[${name}]`));
  }
  if (isFields(schema.items)) causes.push(...schemaCauses(schema.items, `${path}.items`));
  if (isFields(schema.additionalProperties))
    causes.push(...schemaCauses(schema.additionalProperties, `${path}.additionalProperties`));
  return causes;
}

function columnCauses(version: Fields, path: string): Cause[] {
  const columns = listOf(version.additionalPrinterColumns);
  return columns.map(fieldsOf).flatMap((column, i): Cause[] => {
    const at = `${path}.additionalPrinterColumns[${i}]`;
    const causes: Cause[] = [];
    if (typeof column.name !== 'string') causes.push(required(`${at}.name`));
    if (!['boolean', 'date', 'integer', 'number', 'string'].includes(String(column.type)))
      causes.push(invalid(`${at}.type`, column.type, 'must be one of boolean,date,integer,number,string'));
    try {
      if (!textOf(column.jsonPath).startsWith('.')) throw new Error('must be a simple json path starting with .');
      jsonPath(textOf(column.jsonPath));
    } catch (error) {
      causes.push(invalid(`${at}.jsonPath`, column.jsonPath, messageOf(error)));
    }
    return causes;
  });
}

function versionCauses(version: Fields, path: string): Cause[] {
  const schema = fieldAt(version, ['schema', 'openAPIV3Schema']);
  const at = `${path}.schema.openAPIV3Schema`;
  const causes = columnCauses(version, path);
  if (typeof version.name !== 'string') causes.push(required(`${path}.name`));
  if (!isFields(schema)) return [...causes, required(at, 'Required value: schemas are required')];
  if (schema.type !== 'object') causes.push(invalid(`${at}.type`, schema.type, 'must be object at the root'));
  return [...causes, ...schemaCauses(schema, at)];
}

/** Everything for which kube-apiserver would refuse a CustomResourceDefinition, among what matters to hand-made ones. */
export function crdCauses(crd: KubeRecord): Cause[] {
  const spec = fieldsOf(crd.spec);
  const causes: Cause[] = [];
  for (const path of [['group'], ['scope'], ['names', 'plural'], ['names', 'kind']]) {
    if (typeof fieldAt(spec, path) !== 'string') causes.push(required(['spec', ...path].join('.')));
  }
  const name = `${String(fieldAt(spec, ['names', 'plural']))}.${String(spec.group)}`;
  if (causes.length === 0 && crd.metadata.name !== name)
    causes.push(invalid('metadata.name', crd.metadata.name, `must be spec.names.plural+"."+spec.group`));
  if (spec.scope !== undefined && spec.scope !== 'Cluster' && spec.scope !== 'Namespaced')
    causes.push({
      reason: 'FieldValueNotSupported',
      message: `Unsupported value: ${JSON.stringify(spec.scope)}: supported values: "Cluster", "Namespaced"`,
      field: 'spec.scope',
    });
  const versions = listOf(spec.versions).map(fieldsOf);
  if (versions.filter((version) => version.storage === true).length !== 1)
    causes.push(
      invalid(
        'spec.versions',
        versions.map((version) => version.name),
        'must have exactly one version marked as storage version',
      ),
    );
  return [...causes, ...versions.flatMap((version, i) => versionCauses(version, `spec.versions[${i}]`))];
}
