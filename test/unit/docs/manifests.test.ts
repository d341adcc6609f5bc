import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkText } from '../../../src/cli/check/check.ts';
import { createSchemaCheck } from '../../../src/cli/check/schema.ts';

const docs = join(import.meta.dirname, '../../../docs');
const networks = globSync('**/*.md', { cwd: docs }).flatMap((page) =>
  [
    ...readFileSync(join(docs, page), 'utf8').matchAll(/^```yaml\n(apiVersion: multinic\.fms\.io\/v1\n.*?)^```$/gms),
  ].map(([, text = '']) => [page, /name: (.*)/.exec(text)?.[1] ?? '', text] as const),
);

describe('whole manifests in the documentation', () => {
  it('are there', () => {
    expect(networks.map(([page, name]) => `${page} ${name}`)).toEqual(
      expect.arrayContaining(['ipam.md blocks', 'ipam.md local', 'ipam.md bare', 'ipam.md by-nic']),
    );
  });

  it.each(networks)('%s: %s passes `multinic check`', (_, __, text) => {
    const findings = checkText(text, createSchemaCheck());
    expect(findings).toHaveLength(1);
    expect(findings).toMatchObject([{ foreign: false, problems: [] }]);
  });
});
