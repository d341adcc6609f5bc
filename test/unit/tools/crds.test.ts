import { describe, expect, it } from 'vitest';
import { kinds } from '../../../src/api/kinds/index.ts';
import { crdOf, structural } from '../../../tools/generate/crds.ts';

interface Node {
  readonly [keyword: string]: unknown;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly additionalProperties?: Node;
}

// Keywords of a structural schema: kube-apiserver, apiextensions/v1 JSONSchemaProps less what structural schemas forbid.
const allowed = new Set([
  'type',
  'description',
  'properties',
  'required',
  'items',
  'additionalProperties',
  'enum',
  'format',
  'default',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'maxProperties',
  'pattern',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-validations',
]);

/** A sentence: four words at least, and an end. */
const readsWell = /^\S+( \S+){3,}\.$/s;

/** Calls back for every schema below (and at) the node. */
function visit(node: Node, path: string, see: (node: Node, path: string) => void): void {
  see(node, path);
  for (const [name, child] of Object.entries(node.properties ?? {})) visit(child, `${path}.${name}`, see);
  if (node.items !== undefined) visit(node.items, `${path}[]`, see);
  if (node.additionalProperties !== undefined) visit(node.additionalProperties, `${path}.*`, see);
}

/** What kube-apiserver would refuse, and fields that do not say what they are for. */
function faults(root: Node): string[] {
  const found: string[] = [];
  visit(root, '', (node, path) => {
    for (const keyword of Object.keys(node)) if (!allowed.has(keyword)) found.push(`${path}: ${keyword}`);
    if (node.type === undefined) found.push(`${path}: no type`);
    if (node.properties !== undefined && node.additionalProperties !== undefined)
      found.push(`${path}: both kinds of properties`);
    if (node.type === 'array' && node.items === undefined) found.push(`${path}: no items`);
    for (const [name, child] of Object.entries(node.properties ?? {})) {
      const { description } = child;
      if (typeof description !== 'string') found.push(`${path}.${name}: no description`);
      else if (!readsWell.test(description)) found.push(`${path}.${name}: "${description}"`);
    }
    for (const key of listMapKeys(node)) {
      const required = node.items?.['required'];
      if (!Array.isArray(required) || !required.includes(key)) found.push(`${path}: list key ${key} is not required`);
    }
  });
  return found;
}

function listMapKeys(node: Node): string[] {
  const keys = node['x-kubernetes-list-map-keys'];
  return Array.isArray(keys) ? keys.map(String) : [];
}

function schemasOf(kind: (typeof kinds)[number]): Record<string, Node> {
  return JSON.parse(JSON.stringify({ spec: structural(kind.spec), status: structural(kind.status) }));
}

describe.each(kinds.map((kind) => [kind.kind, kind] as const))('CRD of %s', (_, kind) => {
  it('has structural schemas with a description on every field', () => {
    for (const [name, schema] of Object.entries(schemasOf(kind))) expect(faults(schema), name).toEqual([]);
  });

  it('names the kind as the API server demands', () => {
    expect(crdOf(kind)).toMatchObject({
      metadata: { name: `${kind.plural}.multinic.fms.io` },
      spec: { scope: 'Cluster', names: { kind: kind.kind, categories: ['multinic'] } },
    });
    expect(kind.plural).toMatch(/^[a-z]+$/);
    for (const column of kind.columns) expect(column.jsonPath).toMatch(/^\./);
  });
});

describe('columns', () => {
  it('of a network are these', () => {
    const network = kinds.find(({ kind }) => kind === 'MultiNicNetwork');
    const names = network?.columns.map(({ name }) => name) ?? [];
    expect(names.join(' ')).toBe('READY REASON SUBNET HOSTS NICS ATTACHMENTS AGE');
  });

  it.each(kinds.map((kind) => [kind.kind, kind] as const))(
    'of %s end with the age, say something before it, and lead to fields that there are',
    (_, { columns, spec, status, shortNames }) => {
      expect(columns.length).toBeGreaterThan(1);
      expect(columns.at(-1)?.name).toBe('AGE');
      expect(shortNames.length).toBeGreaterThan(0);
      for (const { name, type, jsonPath } of columns.filter((column) => column.name !== 'AGE')) {
        const [root = '', ...path] = jsonPath.slice(1).split('[')[0]?.split('.') ?? [];
        const found = path.reduce<Node | undefined>(
          (node, step) => node?.properties?.[step],
          JSON.parse(JSON.stringify({ spec, status }))[root],
        );
        // Of a list a column shows the text of the whole.
        const shown = found?.type === 'array' ? 'string' : found?.['format'] === 'date-time' ? 'date' : found?.type;
        expect([name, shown]).toEqual([name, type]);
      }
    },
  );
});

describe('the kinds together', () => {
  it('share no name', () => {
    const names = kinds.flatMap((kind) => [kind.plural, kind.singular, ...kind.shortNames]);
    expect(names).toEqual([...new Set(names)]);
  });
});

describe('structural', () => {
  it('drops additionalProperties only where it is false, and keeps what Kubernetes adds', () => {
    const schema = {
      type: 'object',
      additionalProperties: false,
      properties: {
        labels: { type: 'object', additionalProperties: { type: 'string' } },
        keys: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
      },
    } as const;
    const { additionalProperties: _, ...rest } = schema;
    expect(structural(schema)).toEqual(rest);
  });

  it('is judged: faults are found where they are planted', () => {
    expect(
      faults({ type: 'object', properties: { a: { type: 'string', const: 1 }, b: { description: 'x' } } }),
    ).toEqual(['.a: no description', '.b: "x"', '.a: const', '.b: no type']);
  });
});
