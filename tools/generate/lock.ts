import type { GeneratedFile } from './file.ts';

interface LockEntry {
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
interface Lock {
  readonly packages: Readonly<Record<string, LockEntry>>;
}

const cpus = ['x64', 'arm64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64'];

/**
 * The lockfile with an entry for every optional package for another platform. npm leaves out those that the registry in use
 * does not carry, and `npm ci` then refuses the file; their names and their owners' exact versions say all that it needs.
 */
export function completeLock(text: string): GeneratedFile {
  const lock: Lock = JSON.parse(text);
  const packages: Record<string, object> = { ...lock.packages };
  for (const [owner, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const path = `node_modules/${name}`;
      if (owner === '' || path in packages || `${owner}/${path}` in packages) continue;
      packages[path] = foreignPackage(name, version, entry.dev);
    }
  }
  const sorted = Object.fromEntries(Object.entries(packages).toSorted(([a], [b]) => a.localeCompare(b, 'en')));
  return { path: 'package-lock.json', text: `${JSON.stringify({ ...lock, packages: sorted }, undefined, 2)}\n` };
}

/** Entry of `@scope/[prefix-]<os>-<cpu>[-libc]`; without hash, for npm never fetches it on a platform that can run multinic. */
function foreignPackage(name: string, version: string, dev: boolean | undefined): object {
  const words = name.slice(name.indexOf('/') + 1).split('-');
  const at = words.findIndex((word) => cpus.includes(word));
  const [os, cpu] = [words[at - 1], words[at]];
  if (os === undefined || cpu === undefined)
    throw new Error(`cannot tell the platform of ${name}: npm install it by hand`);
  if (os === 'linux' && (cpu === 'x64' || cpu === 'arm64') && !words.includes('musl')) {
    throw new Error(`${name}@${version} is for a platform that multinic runs on, and the registry does not carry it`);
  }
  return {
    version,
    cpu: [cpu],
    ...(dev === true ? { dev } : {}),
    ...(words.includes('musl') ? { libc: ['musl'] } : {}),
    optional: true,
    os: [os],
  };
}
