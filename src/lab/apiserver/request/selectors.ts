import { errors } from '../api-error.ts';
import type { Resource } from '../kinds/resource.ts';
import { fieldAt, type KubeRecord, textOf } from '../object.ts';
import type { ObjectRequest } from './request.ts';

export type Matcher = (object: KubeRecord) => boolean;

/** Splits at commas that are not inside parentheses. */
function splitTerms(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((term) => term.trim())
    .filter((term) => term !== '');
}

const setTerm = /^([^\s!=(),]+)\s+(in|notin)\s+\(([^()]*)\)$/;
const equalTerm = /^([^\s!=(),]+)\s*(==|=|!=)\s*([^\s!=(),]*)$/;
const existsTerm = /^(!?)\s*([^\s!=(),]+)$/;

function labelTerm(term: string): Matcher {
  const set = setTerm.exec(term);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const values = new Set(list.split(',').map((value) => value.trim()));
    return ({ metadata: { labels } }) => {
      const value = labels?.[key];
      return operator === 'in' ? value !== undefined && values.has(value) : value === undefined || !values.has(value);
    };
  }
  const equal = equalTerm.exec(term);
  if (equal) {
    const [, key = '', operator, value] = equal;
    return ({ metadata: { labels } }) => (labels?.[key] === value) === (operator !== '!=');
  }
  const exists = existsTerm.exec(term);
  if (exists) {
    const [, not, key = ''] = exists;
    return ({ metadata: { labels } }) => (labels?.[key] !== undefined) === (not === '');
  }
  throw errors.badRequest(`unable to parse requirement: "${term}" in labelSelector`);
}

/** The test that a labelSelector stands for. Throws ApiError 400 on what it cannot read. */
function labelMatcher(selector: string): Matcher {
  const terms = splitTerms(selector).map(labelTerm);
  return (object) => terms.every((term) => term(object));
}

/** The test that a fieldSelector stands for. Throws ApiError 400 on fields that the resource does not offer. */
function fieldMatcher(selector: string, resource: Resource): Matcher {
  const known = new Set(['metadata.name', 'metadata.namespace', ...resource.selectableFields]);
  const terms = splitTerms(selector).map((term): Matcher => {
    const equal = equalTerm.exec(term) ?? /^([^\s!=(),]+)\s*(==|=|!=)(.*)$/.exec(term);
    if (!equal) throw errors.badRequest(`invalid field selector: "${term}"`);
    const [, path = '', operator, value = ''] = equal;
    if (!known.has(path)) throw errors.badRequest(`field label not supported: ${path}`);
    const steps = path.split('.');
    return (object) => (textOf(fieldAt(object, steps)) === value) === (operator !== '!=');
  });
  return (object) => terms.every((term) => term(object));
}

/** The objects that a list, watch or collection delete is about. */
export function selection({ query, resource, namespace, name }: ObjectRequest): Matcher {
  const labels = labelMatcher(query.get('labelSelector') ?? '');
  const fields = fieldMatcher(query.get('fieldSelector') ?? '', resource);
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    (name === undefined || object.metadata.name === name) &&
    labels(object) &&
    fields(object);
}
