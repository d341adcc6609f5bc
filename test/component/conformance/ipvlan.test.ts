import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ipvlanKernel } from '../../support/ipvlan-kernel.ts';

/** Both kernels share two CPUs with whatever else runs. */
const limitMs = 900_000;

test('ours holds all 50 statements with ipvlan too', { timeout: limitMs }, (ctx) => {
  const kernel = ipvlanKernel();
  if ('missing' in kernel) {
    ctx.skip(kernel.missing);
    return;
  }
  const where = kernel.prefix.length === 0 ? ['--link', 'ipvlan'] : ['--uml'];
  const { stdout, stderr } = spawnSync(process.execPath, ['test/conformance/main.ts', ...where, '--json'], {
    cwd: join(import.meta.dirname, '../../..'),
    encoding: 'utf8',
  });
  const line = stdout.split('\n').findLast((text) => text.startsWith('{"statements"'));
  if (line === undefined) throw new Error(`no findings: ${stdout}${stderr}`);
  const { statements, passed, total } = JSON.parse(line);
  expect(statements.filter((finding: { passed: boolean }) => !finding.passed)).toEqual([]);
  expect({ passed, total }).toEqual({ passed: 50, total: 50 });
});
