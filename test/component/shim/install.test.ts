import { execFile, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';

const main = new URL('../../../src/cli/main.ts', import.meta.url).pathname;
const run = promisify(execFile);
let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'multinic-install-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

test('install-shim puts both names beside what is there, also over one that runs', async () => {
  // A program that runs cannot be opened for writing: the new one has to take its name.
  copyFileSync('/bin/sleep', join(dir, 'multi-nic'));
  chmodSync(join(dir, 'multi-nic'), 0o755);
  const running = spawn(join(dir, 'multi-nic'), ['60']);
  try {
    await run(process.execPath, [main, 'install-shim', dir, '--from', '/bin/true']);
  } finally {
    running.kill();
  }
  expect(readdirSync(dir).toSorted()).toEqual(['multi-nic', 'multi-nic-ipam']);
  for (const name of readdirSync(dir)) {
    expect(readFileSync(join(dir, name)).equals(readFileSync('/bin/true'))).toBe(true);
    expect(statSync(join(dir, name)).mode & 0o111).not.toBe(0);
  }
});

test('install-shim says what is missing, and leaves nothing half done', async () => {
  await expect(run(process.execPath, [main, 'install-shim', dir, '--from', '/no/shim'])).rejects.toThrow('/no/shim');
  expect(readdirSync(dir)).toEqual([]);
});
