import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../../support/doc-commands.ts';

// tools/setup.sh on this very machine, seen through an overlay in a mount namespace of its own: what a test takes away is
// still there for everybody else.
const inOverlay = `
set -eu
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount --rbind /dev "$1/root/dev"
chroot "$1/root" sh -c "$2"
`;

let scratch = '';
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'multinic-setup-'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Runs a script as root in a copy of this machine that may be spoilt; the repository is in $repo. */
function inCopy(script: string): SpawnSyncReturns<string> {
  const args = [
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-c',
    inOverlay,
    'sh',
    scratch,
    `repo='${root}'; ${script}`,
  ];
  return spawnSync('unshare', args, { encoding: 'utf8' });
}

describe('set-up', () => {
  it('does and says nothing where nothing is missing', (ctx) => {
    if (inCopy('true').status !== 0) ctx.skip('this kernel mounts no overlay over /');
    const result = inCopy('sh "$repo/tools/setup.sh" packages npm shim');
    expect(result).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  it('names what is missing, why, and the command, to somebody who is not root', (ctx) => {
    if (inCopy('true').status !== 0) ctx.skip('this kernel mounts no overlay over /');
    const result = inCopy(
      'rm "$(command -v fping)"; cp -r "$repo/tools" /var/tmp/; setpriv --reuid 65534 sh /var/tmp/tools/setup.sh packages',
    );
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('fping: ping matrix');
    expect(result.stderr).toContain('apt-get install --no-install-recommends fping');
  });

  it('names what is missing on a machine without apt-get', (ctx) => {
    if (inCopy('true').status !== 0) ctx.skip('this kernel mounts no overlay over /');
    const result = inCopy('rm "$(command -v fping)" "$(command -v apt-get)"; sh "$repo/tools/setup.sh" packages');
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('fping: ping matrix');
    expect(result.stderr).toContain('this is no Debian');
  });

  it('refuses a step that it does not know', () => {
    const result = spawnSync('sh', ['tools/setup.sh', 'everything'], { cwd: root, encoding: 'utf8' });
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('unknown step "everything": use packages, npm, shim');
  });
});
