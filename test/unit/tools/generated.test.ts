import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { kinds } from '../../../src/api/kinds/index.ts';
import { crdFiles } from '../../../tools/generate/crds.ts';
import { errorReference } from '../../../tools/generate/errors.ts';
import { fieldReference } from '../../../tools/generate/fields.ts';
import { completeLock } from '../../../tools/generate/lock.ts';

const root = join(import.meta.dirname, '../../..');
const stored = (path: string) => readFileSync(join(root, path), 'utf8');

describe('generated files', () => {
  it.each([...crdFiles(kinds), fieldReference(kinds), errorReference()].map((file) => [file.path, file.text]))(
    '%s is what `npm run generate` writes',
    (path, text) => {
      expect(stored(path)).toBe(text);
    },
  );

  it('package-lock.json is complete and names no host of a registry', () => {
    const lock = stored('package-lock.json');
    expect(completeLock(lock).text).toBe(lock);
    expect(lock).not.toContain('"resolved"');
  });
});

describe('completing a lockfile', () => {
  const lock = (name: string) =>
    JSON.stringify({
      packages: { '': {}, 'node_modules/tool': { dev: true, optionalDependencies: { [name]: '1.2.3' } } },
    });

  it('adds the package of another platform with what its name tells', () => {
    expect(
      JSON.parse(completeLock(lock('@tool/binding-linux-arm64-musl')).text).packages[
        'node_modules/@tool/binding-linux-arm64-musl'
      ],
    ).toEqual({
      version: '1.2.3',
      cpu: ['arm64'],
      dev: true,
      libc: ['musl'],
      optional: true,
      os: ['linux'],
    });
  });

  it('refuses to make up the package of a platform that multinic runs on, or one whose platform it cannot tell', () => {
    expect(() => completeLock(lock('@tool/linux-x64-gnu'))).toThrow('@tool/linux-x64-gnu@1.2.3');
    expect(() => completeLock(lock('@tool/extras'))).toThrow('@tool/extras');
  });
});
