import { Ajv, type ErrorObject } from 'ajv';
import type { Cause } from '../cause.ts';
import { type Fields, fieldsOf, isFields, type KubeRecord, listOf, sameJson } from '../object.ts';
import { type StructuralSchema, schemaFrom } from './structural.ts';

const dateTime = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

/** The structural schema in plain JSON schema: Kubernetes' own keywords turned into standard ones. */
function plainSchema(schema: StructuralSchema): Fields {
  const plain: Fields = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword === 'properties' && isFields(value)) {
      plain.properties = Object.fromEntries(
        Object.entries(value).map(([name, child]) => [name, plainSchema(schemaFrom(child))]),
      );
    } else if ((keyword === 'items' || keyword === 'additionalProperties') && isFields(value)) {
      plain[keyword] = plainSchema(schemaFrom(value));
    } else if (keyword !== 'nullable' && keyword !== 'default' && !keyword.startsWith('x-kubernetes-')) {
      plain[keyword] = value;
    }
  }
  if (schema['x-kubernetes-int-or-string'] === true) plain.type = ['integer', 'string'];
  if (schema.nullable === true && plain.type !== undefined) plain.type = [plain.type, 'null'].flat();
  return plain;
}

/** `/spec/routes/0/dst` as `spec.routes[0].dst`. */
function fieldPath(pointer: string, root: unknown): string {
  let path = '';
  let value = root;
  for (const step of pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))) {
    if (Array.isArray(value)) path += `[${step}]`;
    else path += path === '' ? step : `.${step}`;
    value = Array.isArray(value) ? value[Number(step)] : fieldsOf(value)[step];
  }
  return path;
}

/** A value as kube puts it into messages: text in quotes, the rest as JSON. */
function shown(value: unknown): string {
  return JSON.stringify(value) ?? 'null';
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

const bounds: Record<string, string> = {
  minimum: 'should be greater than or equal to',
  maximum: 'should be less than or equal to',
  exclusiveMinimum: 'should be greater than',
  exclusiveMaximum: 'should be less than',
  minLength: 'should be at least this many characters long:',
  minItems: 'should have at least this many items:',
  minProperties: 'should have at least this many properties:',
  maxProperties: 'should have at most this many properties:',
  multipleOf: 'should be a multiple of',
};

function causeOf(error: ErrorObject, root: unknown): Cause {
  const field = fieldPath(error.instancePath, root);
  const value = error.data;
  const params: Fields = error.params;
  const invalid = (message: string): Cause => ({
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${shown(value)}: ${field} in body ${message}`,
    field,
  });
  switch (error.keyword) {
    case 'required': {
      const name = String(params.missingProperty);
      return {
        reason: 'FieldValueRequired',
        message: 'Required value',
        field: field === '' ? name : `${field}.${name}`,
      };
    }
    case 'type': {
      const type = [params.type].flat().join(',');
      const found = typeName(value);
      const message = `Invalid value: "${found}": ${field} in body must be of type ${type}: "${found}"`;
      return { reason: 'FieldValueTypeInvalid', message, field };
    }
    case 'enum': {
      const allowed = listOf(params.allowedValues).map(shown).join(', ');
      const message = `Unsupported value: ${shown(value)}: supported values: ${allowed}`;
      return { reason: 'FieldValueNotSupported', message, field };
    }
    case 'maxItems': {
      const message = `Too many: ${listOf(value).length}: must have at most ${String(params.limit)} items`;
      return { reason: 'FieldValueTooMany', message, field };
    }
    case 'maxLength':
      return {
        reason: 'FieldValueTooLong',
        message: `Too long: may not be more than ${String(params.limit)} bytes`,
        field,
      };
    case 'pattern':
      return invalid(`should match '${String(params.pattern)}'`);
    case 'format':
      return invalid(`must be of type ${String(params.format)}: ${shown(value)}`);
    default: {
      const text = bounds[error.keyword];
      const limit = params.limit ?? params.multipleOf;
      return invalid(text === undefined ? (error.message ?? error.keyword) : `${text} ${String(limit)}`);
    }
  }
}

/** Items of one list that stand twice, by value or by their map keys. */
function duplicates(schema: StructuralSchema, list: readonly unknown[], path: string): Cause[] {
  const type = schema['x-kubernetes-list-type'];
  if (type !== 'set' && type !== 'map') return [];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const identity = (item: unknown): unknown =>
    type === 'set' || !isFields(item)
      ? item
      : Object.fromEntries(keys.map((key) => [key, item[key] ?? schema.items?.properties?.[key]?.default]));
  const seen: unknown[] = [];
  return list.flatMap((item, i): Cause[] => {
    const id = identity(item);
    if (seen.some((other) => sameJson(other, id))) {
      return [{ reason: 'FieldValueDuplicate', message: `Duplicate value: ${shown(id)}`, field: `${path}[${i}]` }];
    }
    seen.push(id);
    return [];
  });
}

/** Everywhere that a list of type set or map holds one element twice. */
function allDuplicates(schema: StructuralSchema, value: unknown, path: string): Cause[] {
  if (Array.isArray(value)) {
    const items = schema.items ?? {};
    return [
      ...duplicates(schema, value, path),
      ...value.flatMap((item, i) => allDuplicates(items, item, `${path}[${i}]`)),
    ];
  }
  if (!isFields(value)) return [];
  return Object.entries(value).flatMap(([field, child]) => {
    const known = schema.properties?.[field];
    return known ? allDuplicates(known, child, path === '' ? field : `${path}.${field}`) : [];
  });
}

/** Makes the check of a custom resource: all problems, with kube's reasons and field paths. Compiles on first use. */
export function schemaValidator(schema: StructuralSchema): (object: KubeRecord) => Cause[] {
  let compiled: ReturnType<Ajv['compile']> | undefined;
  return (object) => {
    compiled ??= new Ajv({
      allErrors: true,
      strict: false,
      verbose: true,
      formats: { 'date-time': dateTime },
      logger: false,
    }).compile(plainSchema(schema));
    const causes = compiled(object) ? [] : (compiled.errors ?? []).map((error) => causeOf(error, object));
    return [...causes, ...allDuplicates(schema, object, '')];
  };
}
