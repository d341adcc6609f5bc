import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';
import { cruise } from 'dependency-cruiser';
import { importRules } from './import-rules.ts';

// dependency-cruiser reads TypeScript through the compiler's JavaScript API, which TypeScript 7 does not have. So it gets a copy
// without types, in which type-only imports stand as plain ones: they are edges, too.
const root = join(import.meta.dirname, '../..');
const copy = join(root, 'build/imports');
const folders = ['src', 'test', 'bench', 'tools'];

/** JavaScript with the imports of a TypeScript source, its type-only ones included; not meant to run. */
function withoutTypes(source: string): string {
  const plain = source.replace(/^((?:import|export)) type (?=[{*\w][^;]*? from )/gm, '$1 ');
  return stripTypeScriptTypes(plain).replace(/((?:from|import\(|import)\s*')(\.[^']*)\.ts'/g, "$1$2.mjs'");
}

rmSync(copy, { recursive: true, force: true });
mkdirSync(copy, { recursive: true });
// It tells product from development packages by package.json.
cpSync(join(root, 'package.json'), join(copy, 'package.json'));
const paths = globSync(
  folders.map((folder) => `${folder}/**/*.ts`),
  { cwd: root },
);
for (const path of paths) {
  const target = join(copy, path.replace(/\.ts$/, '.mjs'));
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, withoutTypes(readFileSync(join(root, path), 'utf8')));
}

const { options, ...ruleSet } = importRules;
const { output, exitCode } = await cruise(
  folders.filter((folder) => existsSync(join(copy, folder))),
  {
    ...options,
    ruleSet,
    validate: true,
    outputType: 'err',
    baseDir: copy,
  },
);
console.log(typeof output === 'string' ? output.replaceAll('.mjs', '.ts') : output);
process.exitCode = exitCode;
