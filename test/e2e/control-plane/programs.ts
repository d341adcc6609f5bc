import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Paths of the real programs, as tools/build-e2e.sh keeps them outside the work tree. */
export interface RealPrograms {
  readonly etcd: string;
  readonly apiserver: string;
  readonly controllerManager: string;
  readonly scheduler: string;
  readonly multus: string;
}

/** They are not built, and cannot be on this machine. */
export class NotBuiltError extends Error {
  override readonly name = 'NotBuiltError';
}

const noGo = 3;

/**
 * Builds what is not built yet (minutes; progress on stderr) and answers where it is.
 * @throws NotBuiltError where Go is missing; Error when a build fails
 */
export function buildPrograms(): RealPrograms {
  const folders = buildModules(['etcd', 'multus', 'kubernetes']);
  const path = (module: string, program: string) => join(folders.get(module) ?? unknown(module), program);
  return {
    etcd: path('etcd', 'etcd'),
    apiserver: path('kubernetes', 'kube-apiserver'),
    controllerManager: path('kubernetes', 'kube-controller-manager'),
    scheduler: path('kubernetes', 'kube-scheduler'),
    multus: path('multus', 'multus'),
  };
}

/**
 * The folder of each module's programs, built first where it is not there.
 * @param modules folders of test/e2e/tools
 * @throws NotBuiltError where Go is missing; Error when a build fails
 */
export function buildModules(modules: readonly string[]): ReadonlyMap<string, string> {
  const script = fileURLToPath(new URL('../../../tools/build-e2e.sh', import.meta.url));
  const { status, stdout, error } = spawnSync('sh', [script, ...modules], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status === noGo) throw new NotBuiltError('no Go on this machine: e2e not run');
  if (status !== 0) throw new Error(`tools/build-e2e.sh failed (${error?.message ?? `status ${status}`}): see above`);
  return new Map(stdout.split('\n').map((line): [string, string] => splitOnce(line)));
}

function splitOnce(line: string): [string, string] {
  const space = line.indexOf(' ');
  return [line.slice(0, space), line.slice(space + 1)];
}

function unknown(module: string): never {
  throw new Error(`tools/build-e2e.sh does not say where ${module} is`);
}
