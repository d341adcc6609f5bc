import { spawn } from 'node:child_process';
import { enterHost } from './hosts/enter.ts';
import { findPlace, standingLabs } from './kept.ts';
import { labVariable } from './run/processes.ts';

/**
 * Runs a command in a host, or in a pod by its name; answers its exit status.
 * @throws Error naming what there is
 */
export async function execInLab(
  root: string,
  env: NodeJS.ProcessEnv,
  where: string,
  command: readonly string[],
): Promise<number> {
  const { lab, host, attached } = findPlace(standingLabs(root, env), where);
  const netns = attached[0]?.sandbox.netns;
  const inside = netns === undefined ? [] : ['ip', 'netns', 'exec', netns.slice(netns.lastIndexOf('/') + 1)];
  const [program = '', ...args] = [...enterHost(host.pid), ...inside, ...command];
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', env: { ...env, [labVariable]: lab.id } });
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}
