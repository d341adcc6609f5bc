import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Certificates } from '../../../src/lab/apiserver/certificates.ts';
import { kubeconfig } from '../../../src/lab/apiserver/kubeconfig.ts';
import type { World } from './world.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const run = promisify(execFile);

/** Programs that reach a world as they would reach a cluster: by kubeconfig. */
export interface Clients {
  /** Path of the kubeconfig of a user: admin or operator. */
  config(user: 'admin' | 'operator'): string;
  /** The administrator's, from the root of the repository; throws with what it said when it fails. */
  readonly kubectl: (...args: string[]) => Promise<string>;
  /** Starts `multinic operator`, alone: its lease is its own again after kill -9, without a wait. */
  operator(...flags: string[]): ChildProcess;
  /** Whether there is a kubectl. */
  hasKubectl(): Promise<boolean>;
  /** Kills what was started. */
  close(): Promise<void>;
}

/** @param certificates those that the world was started with: kubectl sends its token over TLS only */
export async function startClients(world: World, certificates: Certificates): Promise<Clients> {
  const directory = await mkdtemp(join(tmpdir(), 'multinic-clients-'));
  const config = (user: string): string => join(directory, user);
  const processes: ChildProcess[] = [];
  for (const user of ['operator', 'admin']) {
    const text = kubeconfig({ url: world.url, ca: certificates.ca, user, token: `${user}-token` });
    await writeFile(config(user), text);
  }
  const kubectl = async (...args: string[]): Promise<string> => {
    const own = [`--kubeconfig=${config('admin')}`, `--cache-dir=${join(directory, 'cache')}`];
    return (await run('kubectl', [...own, ...args], { cwd: root })).stdout;
  };
  return {
    config,
    kubectl,
    operator: (...flags) => {
      const argv = ['src/cli/main.ts', 'operator', '--identity', 'alone', '--kubeconfig', config('operator'), ...flags];
      const child = spawn(process.execPath, argv, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
      processes.push(child);
      return child;
    },
    hasKubectl: () =>
      run('kubectl', ['version', '--client']).then(
        () => true,
        () => false,
      ),
    close: async () => {
      for (const child of processes) child.kill('SIGKILL');
      await rm(directory, { recursive: true });
    },
  };
}
