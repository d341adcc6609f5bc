import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { kinds } from '../src/api/kinds/index.ts';
import { conformanceTables } from './generate/conformance.ts';
import { crdFiles } from './generate/crds.ts';
import { errorReference } from './generate/errors.ts';
import { fieldReference } from './generate/fields.ts';
import type { GeneratedFile } from './generate/file.ts';
import { completeLock } from './generate/lock.ts';

const root = join(import.meta.dirname, '..');

function generated(): readonly GeneratedFile[] {
  return [
    ...crdFiles(kinds),
    fieldReference(kinds),
    errorReference(),
    conformanceTables(root, read('docs/conformance.md') ?? ''),
    completeLock(read('package-lock.json') ?? ''),
  ];
}

function read(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function write(file: GeneratedFile): void {
  mkdirSync(dirname(join(root, file.path)), { recursive: true });
  writeFileSync(join(root, file.path), file.text);
}

// `generate.ts --check` writes nothing and fails when a file is not up to date.
const check = process.argv.includes('--check');
const stale = generated().filter((file) => read(file.path) !== file.text);
if (!check) stale.forEach(write);
for (const { path } of stale) console.log(check ? `${path} is not up to date: npm run generate` : `wrote ${path}`);
if (check && stale.length > 0) process.exitCode = 1;
