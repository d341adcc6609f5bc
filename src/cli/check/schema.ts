import { Ajv, type ErrorObject, type SchemaObject, type ValidateFunction } from 'ajv';
import { kinds } from '../../api/kinds/index.ts';
import type { Problem } from '../../api/problem.ts';
import { apiVersion } from '../../api/schema.ts';
import { fieldsOf, trusted } from '../../kube/calls/json.ts';
import { nearest } from './nearest.ts';

/** What the schema says against a spec. */
export interface SchemaFindings {
  readonly problems: readonly Problem[];
  /** Fields apart that the schema does not have, all is of the types that the gate reads. */
  readonly readable: boolean;
}

/** Judges the spec of an object by the schema of its kind. */
export type SchemaCheck = (kind: string, spec: unknown) => SchemaFindings;

const dateTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/** Compiles the schemas of all kinds once: the very literals from which types and CRDs come, here with unknown fields refused. */
export function createSchemaCheck(): SchemaCheck {
  const ajv = new Ajv({ strict: false, allErrors: true, verbose: true, formats: { 'date-time': dateTime } });
  const checks = new Map<string, ValidateFunction>(
    kinds.map(({ kind, spec }) => [kind, ajv.compile({ ...trusted<SchemaObject>(spec) })]),
  );
  return (kind, spec) => {
    const check = checks.get(kind);
    if (check === undefined) {
      const message = `${apiVersion} has no kind "${kind}" (it has: ${[...checks.keys()].join(', ')})`;
      return { problems: [{ path: 'kind', message }], readable: false };
    }
    const errors = check(spec ?? {}) ? [] : (check.errors ?? []);
    return { problems: errors.map(problemOf), readable: errors.every(({ keyword }) => keyword === unknownField) };
  };
}

const unknownField = 'additionalProperties';

function problemOf(error: ErrorObject): Problem {
  const at = pathOf(error.instancePath);
  const named = error.params['additionalProperty'] ?? error.params['missingProperty'];
  const path = typeof named === 'string' ? `${at}.${named}` : at;
  if (error.keyword === unknownField) return { path, message: `no such field: ${hint(error, String(named))}` };
  if (error.keyword === 'required') return { path, message: 'is missing' };
  const allowed: unknown = error.params['allowedValues'];
  const values = Array.isArray(allowed) ? ` (${allowed.join(', ')})` : '';
  return { path, message: `${error.message ?? 'is wrong'}${values}` };
}

function hint({ parentSchema }: ErrorObject, name: string): string {
  const meant = nearest(name, Object.keys(fieldsOf(parentSchema?.['properties'])));
  return meant === undefined ? 'see docs/reference/fields.md' : `did you mean ${meant}?`;
}

/** `/subnets/0` as `spec.subnets[0]`. */
function pathOf(pointer: string): string {
  const steps = pointer.split('/').slice(1);
  return steps.reduce((path, step) => (/^\d+$/.test(step) ? `${path}[${step}]` : `${path}.${step}`), 'spec');
}
