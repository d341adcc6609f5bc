import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../../support/doc-commands.ts';

// What `npm run e2e` is to people and programs, without minutes of compiling: Go is none, or a stand-in.
let scratch = '';
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'multinic-e2e-'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let count = 0;
/** A new cache folder, and a PATH with the tools of the system and this program as `go` (none: no Go). */
function place(go?: string): { cache: string; env: NodeJS.ProcessEnv } {
  count += 1;
  const bin = join(scratch, `bin-${count}`);
  mkdirSync(bin);
  for (const folder of ['/usr/bin', '/bin', '/usr/sbin', '/sbin']) {
    for (const name of readdirSync(folder).filter((one) => one !== 'go')) link(join(folder, name), join(bin, name));
  }
  if (go !== undefined) {
    writeFileSync(join(bin, 'go'), `#!/bin/sh\n${go}`);
    chmodSync(join(bin, 'go'), 0o755);
  }
  const cache = join(scratch, `cache-${count}`);
  return { cache, env: { ...process.env, PATH: bin, XDG_CACHE_HOME: cache, MULTINIC_E2E_PROGRESS: '1' } };
}

function link(target: string, path: string): void {
  try {
    symlinkSync(target, path);
  } catch {
    // Of two of a name the first counts, as on a PATH.
  }
}

const build = (env: NodeJS.ProcessEnv, ...modules: string[]) =>
  spawnSync('sh', ['tools/build-e2e.sh', ...modules], { cwd: root, env, encoding: 'utf8' });
const e2e = (env: NodeJS.ProcessEnv, ...args: string[]) =>
  spawnSync(process.execPath, ['test/e2e/main.ts', ...args], { cwd: root, env, encoding: 'utf8' });

/** Lists packages and modules, compiles (etcd for a while) and writes a program that says what it was made with. */
const standIn = `
case $1 in
  list) echo "go: downloading example.com/a v1" >&2; printf 'a\\nb\\nc\\n' ;;
  build)
    while [ "$1" != -o ]; do shift; done
    echo a >&2; case $PWD in */etcd) sleep 1.5 ;; esac; echo "made" >"$2" ;;
  env) echo "value-of-$2" ;;
esac
`;

describe('building', () => {
  it('says what is built, which of how many, how far and since when; later runs find it and say nothing', () => {
    const { cache, env } = place(standIn);
    const first = build(env, 'etcd', 'cnitool');
    expect(first).toMatchObject({ status: 0 });
    expect(first.stderr).toMatch(
      /^e2e: 2 of the programs .* are not in .*cache-\d+\/multinic\/e2e yet; the first time/,
    );
    expect(first.stderr).toMatch(/building 1 of 2: etcd v3\.\d+\.\d+\n/);
    expect(first.stderr).toMatch(/etcd: 1 of up to 3 packages compiled \(a\), \d+ s\n/);
    expect(first.stderr).toMatch(/built 1 of 2: etcd v3\.\d+\.\d+ \(\d+ s so far\)\n/);
    expect(first.stderr).toMatch(/building 2 of 2: cnitool v1\.\d+\.\d+\n/);
    const folders = first.stdout.trim().split('\n');
    expect(folders).toEqual([
      expect.stringMatching(new RegExp(`^etcd ${cache}/multinic/e2e/etcd-[0-9a-f]{12}$`)),
      expect.stringMatching(new RegExp(`^cnitool ${cache}/multinic/e2e/cnitool-[0-9a-f]{12}$`)),
    ]);
    // Warm: no Go is asked, and none is needed.
    const { env: without } = place();
    const again = build({ ...without, XDG_CACHE_HOME: cache }, 'etcd', 'cnitool');
    expect(again).toMatchObject({ status: 0, stdout: first.stdout, stderr: '' });
  });

  it('that fails shows the words of Go, says what to do, and leaves nothing that a later run would take for built', () => {
    const { cache, env } = place(
      'case $1 in env) echo "value-of-$2" ;; *) echo "go: no such host: example" >&2; exit 1 ;; esac',
    );
    const { status, stdout, stderr } = build(env, 'etcd');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('go: no such host: example');
    expect(stderr).toContain('etcd v3.');
    expect(stderr).toContain('what to do: see that Go reaches its module proxy (GOPROXY=value-of-GOPROXY)');
    expect(stderr).toContain('run this again');
    expect(readdirSync(join(cache, 'multinic/e2e'))).toEqual(['lock']);
    const run = e2e(env, '--json', 'programs');
    expect(run.status).toBe(1);
    expect(lastLine(run.stdout)).toMatchObject({ passed: 0, failed: 1, skipped: [] });
  });
});

describe('npm run e2e', () => {
  it('without Go names what does not run, and has not passed', () => {
    const { status, stdout, stderr } = e2e(place().env, '--json', 'programs');
    expect(stderr).toContain('no Go on this machine: e2e not run');
    expect(lastLine(stdout)).toEqual({
      passed: 0,
      failed: 0,
      skipped: [expect.stringMatching(/^test\/e2e\/programs\.test\.ts > .* and 3 more: no Go on this machine/)],
      seconds: expect.any(Number),
    });
    expect(status).toBe(1);
  });

  it('ends with one line of counts for programs', (ctx) => {
    const { status, stdout, stderr } = e2e(process.env, '--json', 'test/e2e/programs.test.ts');
    if (stderr.includes('no Go on this machine')) ctx.skip('no Go on this machine');
    const line = lastLine(stdout);
    expect(Object.keys(line)).toEqual(['passed', 'failed', 'skipped', 'seconds']);
    expect(line).toEqual({ passed: 4, failed: 0, skipped: [], seconds: expect.any(Number) });
    expect(status).toBe(0);
  });

  it('explains itself, and refuses what it does not know', () => {
    const help = e2e(process.env, '--help');
    expect(help).toMatchObject({ status: 0, stderr: '' });
    for (const word of ['--json', '--name', 'FILE', 'XDG_CACHE_HOME']) expect(help.stdout).toContain(word);
    const wrong = e2e(process.env, '--jsn');
    expect(wrong).toMatchObject({ status: 2, stdout: '' });
    expect(wrong.stderr).toContain("Unknown option '--jsn'");
    expect(wrong.stderr).toContain('use: npm run e2e');
  });
});

function lastLine(text: string): Record<string, unknown> {
  return Object(JSON.parse(text.trimEnd().split('\n').at(-1) ?? ''));
}
