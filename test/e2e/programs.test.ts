import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { realOrSkip } from './real.ts';

// What is in the cache is what test/e2e/tools pins.
const real = realOrSkip();
const cases = [
  ['etcd', 'etcd', 'go.etcd.io/etcd/server/v3', ['--version']],
  ['apiserver', 'kubernetes', 'k8s.io/kubernetes', ['--version']],
  ['controllerManager', 'kubernetes', 'k8s.io/kubernetes', ['--version']],
  ['scheduler', 'kubernetes', 'k8s.io/kubernetes', ['--version']],
] as const;

test.each(cases)('%s of the module %s says the version of %s that is pinned', (program, folder, module, argv) => {
  if (real === undefined) return;
  const pinned = readFileSync(join(import.meta.dirname, 'tools', folder, 'go.mod'), 'utf8');
  const version = pinned.split(/\s+/).at(pinned.split(/\s+/).indexOf(module) + 1) ?? '';
  expect(version).toMatch(/^v\d+\.\d+\.\d+$/);
  const { stdout } = spawnSync(real[program], argv, { encoding: 'utf8' });
  expect(stdout).toContain(version.slice(1));
});
