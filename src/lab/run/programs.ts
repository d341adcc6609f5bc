import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const plugins = ['static', 'ipvlan', 'macvlan', 'host-local', 'host-device', 'tuning'];

/**
 * Paths of what belongs into /opt/cni/bin of each host: the built shim, and the delegates when Debian's are not in
 * /usr/lib/cni (a host's /opt/cni/bin hides this machine's).
 * @throws Error naming what is missing and how to get it
 */
export function findPrograms(): string[] {
  const missing = ['ip', 'nsenter', 'unshare', 'mount'].filter((name) => findInPath(name) === undefined);
  if (missing.length > 0) throw new Error(`the lab needs ${missing.join(', ')}: npm run demo installs them`);
  const shim = fileURLToPath(new URL('../../../build/shim/multi-nic', import.meta.url));
  if (!existsSync(shim)) throw new Error('the shim is not built: npm run demo does that (or sh tools/build-shim.sh)');
  return [shim, ...findPlugins()];
}

function findPlugins(): string[] {
  if (existsSync('/usr/lib/cni/static')) return [];
  const found = plugins.map((name) => join('/opt/cni/bin', name)).filter((path) => existsSync(path));
  if (found.length > 0) return found;
  throw new Error('no CNI plugins in /usr/lib/cni or /opt/cni/bin: npm run demo installs containernetworking-plugins');
}

/** Path of a program, undefined when there is none. */
export function findInPath(name: string): string | undefined {
  const dirs = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  return dirs.map((dir) => join(dir, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
