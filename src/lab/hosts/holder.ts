import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Runner } from '../run/runner.ts';

/**
 * Starts a process in new namespaces that holds them until it is ended, and waits until it has set them up; answers its pid.
 * @throws Error with what the script said
 */
export async function startHolder(
  runner: Runner,
  options: {
    readonly mounts: boolean;
    readonly script: string;
    readonly args: readonly string[];
    readonly log: string;
  },
): Promise<number> {
  const log = openSync(options.log, 'a', 0o600);
  const mounts = options.mounts ? ['--mount', '--propagation', 'private'] : [];
  const child = spawn(
    'unshare',
    ['--net', ...mounts, '--', 'sh', '-c', options.script, 'multinic-lab', ...options.args],
    {
      env: runner.env,
      cwd: '/',
      stdio: ['ignore', 'pipe', log],
      detached: true,
    },
  );
  closeSync(log);
  child.unref();
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error(`a lab host could not be set up: ${readFileSync(options.log, 'utf8').trim()}`));
    child.once('error', reject);
    child.once('exit', fail);
    child.stdout?.once('data', () => {
      child.off('exit', fail);
      child.stdout?.destroy();
      if (child.pid === undefined) fail();
      else resolve(child.pid);
    });
  });
}

/** The set-up script of a host. */
export function hostScript(): string {
  return readFileSync(fileURLToPath(new URL('./holder.sh', import.meta.url)), 'utf8');
}

/** The set-up script of the fabric: bridges want no addresses of their own. */
export const fabricScript = `
if [ -e /proc/sys/net/ipv6/conf/default/disable_ipv6 ]; then echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6; fi
ip link set lo up
echo ready
exec sleep infinity > /dev/null 2>&1
`;
