import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { realLabs } from '../support/scenario/lab.ts';
import { realOrSkip } from './real.ts';

// Every scenario of the embedded lab; their createLab (test/support/scenario/lab.ts) takes the real control plane here.
const folder = join(import.meta.dirname, '../component/scenarios');
const real = realOrSkip();

if (real === undefined) {
  test('every scenario of the embedded lab', () => {});
} else {
  process.env[realLabs] = 'yes';
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.test.ts'))) {
    describe(file.replace('.test.ts', ''), async () => {
      await import(join(folder, file));
    });
  }
}
