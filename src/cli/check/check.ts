import { isMap, LineCounter, parseAllDocuments } from 'yaml';
import type { MultiNicNetwork } from '../../api/kinds/multinicnetwork.ts';
import { parseNetwork } from '../../api/network-gate.ts';
import type { Problem } from '../../api/problem.ts';
import { group } from '../../api/schema.ts';
import { fieldsOf, trusted } from '../../kube/calls/json.ts';
import type { SchemaCheck } from './schema.ts';

/** What was found of one document of a file. */
export interface Finding {
  /** `MultiNicNetwork/net-a`, or the line where a document begins that is no object. */
  readonly object: string;
  /** Not ours: nothing was judged. */
  readonly foreign: boolean;
  readonly problems: readonly Problem[];
}

/**
 * Judges every document of a YAML or JSON text as the API server and the operator would, as far as that needs no cluster: schema
 * first, then the operator's own gate. All problems of all documents are given.
 */
export function checkText(text: string, schema: SchemaCheck): Finding[] {
  const lines = new LineCounter();
  return parseAllDocuments(text, { lineCounter: lines }).flatMap((document): Finding[] => {
    const line = lines.linePos(document.range[0]).line;
    if (document.errors.length > 0) {
      const problems = document.errors.map(({ message }) => ({ path: '', message: message.trim() }));
      return [{ object: `document at line ${line}`, foreign: false, problems }];
    }
    if (document.toJS() === null) return [];
    if (!isMap(document.contents)) {
      const problems = [{ path: '', message: 'is no Kubernetes object' }];
      return [{ object: `document at line ${line}`, foreign: false, problems }];
    }
    return objectsOf(document.toJS()).map((object) => checkObject(object, schema));
  });
}

/** `kubectl get --output=yaml` gives several objects as one List. */
function objectsOf(value: unknown): readonly unknown[] {
  const { kind, items } = fieldsOf(value);
  return textOr(kind, '').endsWith('List') && Array.isArray(items) ? items : [value];
}

function checkObject(value: unknown, schema: SchemaCheck): Finding {
  const object = fieldsOf(value);
  const kind = textOr(object['kind'], '(no kind)');
  const name = textOr(fieldsOf(object['metadata'])['name'], '');
  const title = `${kind}/${name || '(no name)'}`;
  if (!textOr(object['apiVersion'], '').startsWith(`${group}/`)) return { object: title, foreign: true, problems: [] };
  const nameless = name === '' ? [{ path: 'metadata.name', message: 'is missing' }] : [];
  const found = schema(kind, object['spec']);
  const problems = [...nameless, ...found.problems];
  if (kind !== 'MultiNicNetwork' || nameless.length > 0 || !found.readable) {
    return { object: title, foreign: false, problems };
  }
  const parsed = parseNetwork(trusted<MultiNicNetwork>(object));
  const told = new Set(problems.map(({ path }) => path));
  const further = parsed.ok ? [] : parsed.problems.filter(({ path }) => !told.has(path));
  return { object: title, foreign: false, problems: [...problems, ...further] };
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}
