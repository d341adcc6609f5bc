import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { root } from '../../support/doc-commands.ts';

let scratch = '';
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'multinic-reporter-'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A run of one test with our reporter, whose patience with workers is a second. */
function run(body: string) {
  const vitest = join(root, 'node_modules/vitest');
  writeFileSync(
    join(scratch, 'one.test.mjs'),
    `import { test } from '${vitest}/dist/index.js';
import { spawn } from 'node:child_process';
test('one', () => { ${body} });`,
  );
  const reporters = JSON.stringify([[join(root, 'test/support/reporter.ts'), { graceMs: 1000 }]]);
  const config = join(scratch, 'vitest.config.mjs');
  writeFileSync(
    config,
    `export default { test: { include: ['*.test.mjs'], pool: 'forks', reporters: ${reporters} } };`,
  );
  const argv = [join(vitest, 'vitest.mjs'), 'run', '--root', scratch, '--config', config];
  // What the run of all tests must have shown is not asked of this one.
  const { CI: _, MULTINIC_REQUIRE: __, ...env } = process.env;
  return spawnSync(process.execPath, argv, { cwd: scratch, env, encoding: 'utf8' });
}

it('a run ends, and has failed, though a test left a process that holds its output', () => {
  // Had it waited, the process would have ended by itself.
  const { status, stdout, stderr } = run(`spawn('sleep', ['60'], { stdio: ['ignore', 'ignore', 'inherit'] })`);
  expect(stdout).toContain('1 passed, 0 failed, 0 skipped');
  expect(stderr).toContain('A test left a process that holds its output');
  expect(status).toBe(1);
});

it('a run of which nothing is left ends by itself', () => {
  const { status, stdout, stderr } = run('');
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('1 passed, 0 failed, 0 skipped');
  expect(stderr).not.toContain('left a process');
  expect(status).toBe(0);
});
