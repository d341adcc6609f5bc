import { apiVersion, type Kind } from '../../src/api/schema.ts';
import type { GeneratedFile } from './file.ts';

/** A schema node, as far as the reference prints it. */
interface Node {
  readonly type?: string;
  readonly format?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly additionalProperties?: Node | boolean;
}

/** docs/reference/fields.md: every field of every kind. */
export function fieldReference(kinds: readonly Kind[]): GeneratedFile {
  const parts = kinds.map((kind) => {
    const names = [kind.plural, ...kind.shortNames].map((name) => `\`${name}\``).join(', ');
    return [`## ${kind.kind}`, '', `${kind.description} For kubectl: ${names}.`, '', ...tables(kind)].join('\n');
  });
  const head = [
    '# Fields of all kinds',
    '',
    'Generated from src/api/kinds by `npm run generate`: do not edit.',
    '',
    `All kinds are cluster-scoped, of \`${apiVersion}\` and in the category \`multinic\` (\`kubectl get multinic\`). Fields in bold are required where the object around them is given.`,
  ];
  return { path: 'docs/reference/fields.md', text: `${[head.join('\n'), ...parts].join('\n\n')}\n` };
}

function tables(kind: Kind): string[] {
  // A schema literal is plain JSON: this is how it looks to a reader who does not know its keywords.
  const { spec, status }: Record<'spec' | 'status', Node> = JSON.parse(
    JSON.stringify({ spec: kind.spec, status: kind.status }),
  );
  const rows = [...fields('spec', spec), ...fields('status', status)];
  return ['| Field | Type | Meaning |', '|---|---|---|', ...rows];
}

function fields(path: string, node: Node): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const here = `${path}.${name}`;
    const required = node.required?.includes(name) === true;
    const shown = required ? `**${here}**` : here;
    const row = `| ${shown} | ${typeOf(child)} | ${(child.description ?? '').replaceAll('|', '\\|')} |`;
    const inner = child.items?.properties === undefined ? fields(here, child) : fields(`${here}[]`, child.items);
    return [row, ...inner];
  });
}

function typeOf(node: Node): string {
  if (node.enum !== undefined) return node.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (node.type === 'array')
    return `list of ${typeOf(node.items ?? {})}${node.maxItems === undefined ? '' : `, at most ${node.maxItems}`}`;
  if (typeof node.additionalProperties === 'object') return `map to ${typeOf(node.additionalProperties)}`;
  const { minimum, maximum } = node;
  const range = minimum === undefined ? '' : maximum === undefined ? ` ≥ ${minimum}` : ` ${minimum} to ${maximum}`;
  return `${node.format ?? node.type ?? 'any'}${range}`;
}
