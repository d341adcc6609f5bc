import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { enterHost } from './hosts/enter.ts';
import { parseOwn } from './run/json.ts';
import { labVariable } from './run/processes.ts';
import { type LabState, readStates } from './run/state.ts';

/**
 * Runs a command in a host, or in a pod by its name, of the newest lab that has one; answers its exit status.
 * @throws Error naming what there is
 */
export async function execInLab(root: string, where: string, command: readonly string[]): Promise<number> {
  const labs = readStates(root);
  const found = labs.flatMap((lab) => findPlace(lab, where))[0];
  if (found === undefined) {
    const hosts = labs.flatMap(({ state }) => hostsOf(state).map(({ name }) => name));
    if (hosts.length === 0) throw new Error('no lab is up: npm run demo -- --keep leaves one');
    throw new Error(`no host or pod "${where}" in a lab: there are ${hosts.join(', ')} and the pods on them`);
  }
  const [program = '', ...args] = [...found.prefix, ...command];
  return new Promise((resolve, reject) => {
    const env = { ...process.env, [labVariable]: found.id };
    const child = spawn(program, args, { stdio: 'inherit', env });
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}

function findPlace(
  { dir, state }: { dir: string; state: LabState },
  where: string,
): { id: string; prefix: string[] }[] {
  return hostsOf(state).flatMap(({ name, pid }) => {
    if (name === where) return [{ id: state.id, prefix: enterHost(pid) }];
    const netns = netnsOfPod(join(dir, 'hosts', name, 'var/lib/cni/results'), where);
    return netns === undefined ? [] : [{ id: state.id, prefix: [...enterHost(pid), 'ip', 'netns', 'exec', netns] }];
  });
}

function hostsOf(state: LabState): { name: string; pid: number }[] {
  return state.processes.filter(({ name }) => /^host\d+$/.test(name));
}

/** The pod's namespace, from the cached results of its attachments. */
function netnsOfPod(dir: string, pod: string): string | undefined {
  if (!existsSync(dir)) return undefined;
  return readdirSync(dir).flatMap((file) => {
    const cached = parseOwn<{ pod?: string; netns?: string }>(readFileSync(join(dir, file), 'utf8'));
    return cached.pod === pod && cached.netns !== undefined
      ? [cached.netns.slice(cached.netns.lastIndexOf('/') + 1)]
      : [];
  })[0];
}
