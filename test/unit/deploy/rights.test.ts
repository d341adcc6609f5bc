import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';

const root = join(import.meta.dirname, '../../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly verbs: readonly string[];
}
interface Role {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly rules: readonly Rule[];
  /** Of bindings. */
  readonly roleRef?: { readonly kind: string; readonly name: string };
}

const documents = globSync('deploy/**/*.yaml', { cwd: root })
  .flatMap((path) => parseAllDocuments(read(path)))
  .map((document): Role => document.toJS());
const roles = documents.filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role');

/** `operator apps daemonsets get`, one for each verb that a rule gives. */
const given = roles.flatMap(({ metadata, rules }) =>
  rules.flatMap(({ apiGroups = [], resources = [], verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.map((verb) => [metadata.name.split('-')[1], group || '(core)', resource, verb].join(' ')),
      ),
    ),
  ),
);

const rows = read('docs/security.md')
  .split('\n')
  .filter((line) => /^\| (operator|daemon) \|/.test(line))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

const told = rows.flatMap(([account = '', group = '', resources = '', verbs = '']) =>
  resources
    .split(', ')
    .flatMap((resource) => verbs.split(', ').map((verb) => [account, group, resource, verb].join(' '))),
);

describe('rights of the service accounts', () => {
  it('stand in docs/security.md, each with the code that needs it, and no others do', () => {
    expect(told.toSorted()).toEqual([...new Set(given)].toSorted());
  });

  it('name code that there is', () => {
    const paths = rows.flatMap(([, , , , why = '']) => why.match(/src\/[\w/-]+\.ts/g) ?? ['(no file named)']);
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it('are no wildcards', () => {
    // In names, paths and groups neither.
    expect(
      roles.filter(({ rules }) => JSON.stringify(rules).includes('*')).map(({ metadata }) => metadata.name),
    ).toEqual([]);
  });

  it('come from these roles alone', () => {
    const names = roles.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    const bound = documents
      .filter(({ kind }) => kind.endsWith('RoleBinding'))
      .map(({ roleRef }) => `${roleRef?.kind} ${roleRef?.name}`);
    expect(bound.toSorted()).toEqual(names.toSorted());
  });
});
