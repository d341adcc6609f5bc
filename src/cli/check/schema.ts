import { Ajv, type ErrorObject, type SchemaObject, type ValidateFunction } from 'ajv';
import { kinds } from '../../api/kinds/index.ts';
import type { Problem } from '../../api/problem.ts';
import { apiVersion } from '../../api/schema.ts';
import { trusted } from '../../kube/json.ts';

/** Judges the spec of an object by the schema of its kind. */
export type SchemaCheck = (kind: string, spec: unknown) => readonly Problem[];

const dateTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/** Compiles the schemas of all kinds once: the very literals from which types and CRDs come, here with unknown fields refused. */
export function createSchemaCheck(): SchemaCheck {
  const ajv = new Ajv({ strict: false, allErrors: true, formats: { 'date-time': dateTime } });
  const checks = new Map<string, ValidateFunction>(
    kinds.map(({ kind, spec }) => [kind, ajv.compile({ ...trusted<SchemaObject>(spec) })]),
  );
  return (kind, spec) => {
    const check = checks.get(kind);
    if (check === undefined) {
      return [
        { path: 'kind', message: `${apiVersion} has no kind "${kind}" (it has: ${[...checks.keys()].join(', ')})` },
      ];
    }
    if (check(spec ?? {})) return [];
    return (check.errors ?? []).map(problemOf);
  };
}

function problemOf(error: ErrorObject): Problem {
  const at = pathOf(error.instancePath);
  const named = error.params['additionalProperty'] ?? error.params['missingProperty'];
  const path = typeof named === 'string' ? `${at}.${named}` : at;
  if (error.keyword === 'additionalProperties') return { path, message: 'no such field: see docs/reference/fields.md' };
  if (error.keyword === 'required') return { path, message: 'is missing' };
  const allowed: unknown = error.params['allowedValues'];
  const values = Array.isArray(allowed) ? ` (${allowed.join(', ')})` : '';
  return { path, message: `${error.message ?? 'is wrong'}${values}` };
}

/** `/subnets/0` as `spec.subnets[0]`. */
function pathOf(pointer: string): string {
  const steps = pointer.split('/').slice(1);
  return steps.reduce((path, step) => (/^\d+$/.test(step) ? `${path}[${step}]` : `${path}.${step}`), 'spec');
}
