import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostPlan } from '../../../src/api/host.ts';
import { encodePlans } from '../../../src/daemon/plan/codec.ts';
import { createKernel } from '../../../src/kernel/ip.ts';
import type { LabHost } from '../../../src/lab/hosts/hosts.ts';
import { type BareLab, createBareLab } from '../../../src/lab/run/bare-lab.ts';
import { openStore, originName } from '../../../src/store/open.ts';

const repository = join(import.meta.dirname, '../../..');

/** One lab host on which the real daemon serves plans from its store; there is no API server at all. */
export interface ServingHost {
  readonly host: LabHost;
  /** Folder of the lab: files that both sides see. */
  readonly dir: string;
  /** What the daemon logs. */
  readonly log: string;
  readonly daemon: ServingDaemon;
  /** Other plans in the store, while no daemon runs. */
  replan(plans: readonly HostPlan[]): Promise<void>;
  close(): Promise<void>;
}

/** The daemon's process, which a test may stop, kill and start anew. */
export interface ServingDaemon {
  /** To the one that runs now; resolves at once, but for SIGKILL when it has ended. */
  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): Promise<void>;
  /** Another one, on the same state; resolves when it serves. @throws Error when it ends before */
  start(): Promise<void>;
  /** Resolves when the one that runs now has ended. */
  ended(): Promise<void>;
  /** Whether it stands still, by SIGSTOP. */
  stopped(): boolean;
}

export interface ServingOptions {
  /** Pool NICs of the host: eth1 … */
  readonly nics: number;
  /** At least one. */
  readonly plans: readonly HostPlan[];
  /** Further options of `multinic daemon`. */
  readonly flags?: readonly string[];
  /** Settings in its store besides, by name. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Instead of the daemon's own script; its first argument is `daemon`. */
  readonly program?: string;
  /** Put before the daemon's own script: options of node, behind variables for `env`. */
  readonly before?: { readonly env: Readonly<Record<string, string>>; readonly node: readonly string[] };
  /** Where the lab keeps its records; on disk where commits shall cost what they cost. */
  readonly root: string;
}

/** @throws Error with the end of the daemon's log when it does not come up */
export async function startServingHost(options: ServingOptions): Promise<ServingHost> {
  mkdirSync(options.root, { recursive: true });
  const lab = await createBareLab({ root: options.root, hosts: 1, nics: options.nics, families: [4] });
  try {
    const [host] = lab.network.hosts;
    if (host === undefined) throw new Error('the lab has no host');
    const log = join(lab.dir, 'daemon.log');
    const replan = (plans: readonly HostPlan[]): Promise<void> => seedPlans(host, plans, options.settings);
    await replan(options.plans);
    const daemon = servingDaemon(lab, host, log, options);
    await daemon.start();
    return { host, dir: lab.dir, log, daemon, replan, close: () => lab.close() };
  } catch (error) {
    await lab.close();
    throw error;
  }
}

function servingDaemon(lab: BareLab, host: LabHost, log: string, options: ServingOptions): ServingDaemon {
  let child: ChildProcess | undefined;
  let end: Promise<void> = Promise.resolve();
  return {
    async signal(name) {
      child?.kill(name);
      if (name === 'SIGKILL') await awake(end);
    },
    async start() {
      const started = startDaemon(lab, host, log, options);
      const ended = once(started, 'exit').then(() => undefined);
      [child, end] = [started, ended];
      const gone = new AbortController();
      const failed = ended.then(() => {
        gone.abort();
        throw new Error('the daemon ended before it served');
      });
      failed.catch(() => undefined);
      await Promise.race([untilServing(host, options.plans[0]?.network ?? '', log, gone.signal), failed]);
    },
    ended: () => awake(end),
    stopped: () => child?.pid !== undefined && isStopped(child.pid),
  };
}

function isStopped(pid: number): boolean {
  try {
    return /^State:\s*T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** The daemon's process does not keep this one alive. */
async function awake(work: Promise<void>): Promise<void> {
  const timer = setInterval(() => undefined, 60_000);
  await work.finally(() => clearInterval(timer));
}

async function seedPlans(
  host: LabHost,
  plans: readonly HostPlan[],
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  const folder = join(host.dir, 'var/lib/multinic');
  mkdirSync(folder, { recursive: true });
  const { store } = openStore({
    path: join(folder, 'state.sqlite'),
    bootId: createKernel().bootId(),
    now: () => Date.now(),
  });
  await store.set(originName, undefined);
  await store.set('plans', encodePlans(plans));
  for (const [name, text] of Object.entries(settings)) await store.set(name, text);
  store.close();
}

function startDaemon(
  lab: BareLab,
  host: LabHost,
  log: string,
  { flags = [], before, program }: ServingOptions,
): ChildProcess {
  // Nothing listens there: the daemon serves from its store.
  const kubeconfig = join(lab.dir, 'nowhere.kubeconfig');
  const cluster = { server: 'https://127.0.0.1:1' };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'none', cluster }],
    users: [{ name: 'none', user: { token: 'none' } }],
    contexts: [{ name: 'none', context: { cluster: 'none', user: 'none' } }],
    'current-context': 'none',
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  const main = program ?? join(repository, 'src/cli/main.ts');
  const settings = ['--nics-include', 'eth[1-9]*', '--health-listen', 'off', '--cooldown', '1s', ...flags];
  const variables = Object.entries(before?.env ?? {}).map(([name, value]) => `${name}=${value}`);
  const argv = [
    'env',
    ...variables,
    process.execPath,
    ...(before?.node ?? []),
    main,
    'daemon',
    '--node',
    host.name,
    '--kubeconfig',
    kubeconfig,
    ...settings,
  ];
  const child = lab.runner.start([...host.prefix, ...argv], log);
  if (child.pid !== undefined) lab.file.addProcess('daemon', child.pid);
  return child;
}

async function untilServing(host: LabHost, network: string, log: string, gone: AbortSignal): Promise<void> {
  const env = { CNI_COMMAND: 'STATUS', CNI_PATH: '/opt/cni/bin:/usr/lib/cni' };
  const input = JSON.stringify({ cniVersion: '1.1.0', name: network, type: 'multi-nic' });
  for (const end = Date.now() + 120_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const { code, stdout } = await host.exec(['/opt/cni/bin/multi-nic'], { env, bareEnv: true, input });
    if (code === 0 || gone.aborted) return;
    if (Date.now() > end) {
      const said = await host.exec(['tail', '-5', log]);
      throw new Error(`the daemon does not serve: ${stdout}\n${said.stdout}`);
    }
  }
}
