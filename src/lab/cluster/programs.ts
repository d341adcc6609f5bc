import { join } from 'node:path';
import type { LabHost } from '../hosts/hosts.ts';
import { identify, isAlive, type ProcessId, signalAll, waitGone } from '../run/processes.ts';
import type { Runner } from '../run/runner.ts';
import type { StateFile } from '../run/state.ts';
import { type LabApi, projectRoot } from './api.ts';
import { tail, untilReady } from './wait.ts';

/** One program of the lab that can be started and ended again. */
export interface Program {
  /** Starts it and waits until it is ready. @throws Error with the end of its log */
  start(): Promise<void>;
  /** Ends it and waits until it is gone. */
  stop(signal: NodeJS.Signals): Promise<void>;
  readonly log: string;
  /** The end of its log when it has ended by itself. */
  died(): string | undefined;
  /** Undefined while it does not run. */
  pid(): number | undefined;
}

export interface Surroundings {
  readonly runner: Runner;
  readonly file: StateFile;
  readonly api: LabApi;
}

/** The operator, in this machine's namespaces, ready when it has asked the API server for something. */
export function operatorProgram(lab: Surroundings): Program {
  const argv = async () =>
    multinic('operator', '--no-leader-elect', '--kubeconfig', await lab.api.kubeconfigOf('operator'));
  const look = () => lab.api.requests().some(({ user }) => user === 'operator');
  return program(lab, 'operator', argv, look);
}

/** The daemon of a host, ready when its /readyz says so. */
export function daemonProgram(lab: Surroundings, host: LabHost, extraArgs: readonly string[]): Program {
  const argv = async () => {
    const kubeconfig = await lab.api.kubeconfigOf(`daemon:${host.name}`);
    const own = multinic('daemon', '--node', host.name, '--kubeconfig', kubeconfig, '--nics-include', 'eth[1-9]*');
    return [...host.prefix, ...own, ...extraArgs];
  };
  const address = host.nics[0]?.addresses[0]?.split('/')[0];
  const look = () => isReady(`http://${address}:11000/readyz`);
  return program(lab, `daemon-${host.name}`, argv, look);
}

function program(
  { runner, file }: Surroundings,
  name: string,
  argv: () => Promise<readonly string[]>,
  look: () => Promise<boolean> | boolean,
): Program {
  const log = join(file.dir, `${name}.log`);
  let running: ProcessId | undefined;
  return {
    log,
    pid: () => running?.pid,
    died: () => (running === undefined || isAlive(running) ? undefined : `${name} has ended: ${tail(log)}`),
    async start() {
      const child = runner.start(await argv(), log);
      running = child.pid === undefined ? undefined : identify(child.pid);
      if (child.pid !== undefined) file.addProcess(name, child.pid);
      await untilReady(name, child, log, async () => ((await look()) ? true : undefined));
    },
    async stop(signal) {
      if (running === undefined) return;
      signalAll([running], signal);
      const left = await waitGone([running], 60_000);
      if (left.length > 0) throw new Error(`${name} does not end on ${signal}`);
      running = undefined;
    },
  };
}

function multinic(...args: string[]): string[] {
  return [process.execPath, join(projectRoot(), 'src/cli/main.ts'), ...args];
}

async function isReady(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}
