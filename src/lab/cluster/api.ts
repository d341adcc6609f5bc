import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient, type KubeClient } from '../../kube/calls/client.ts';
import { loadCluster } from '../../kube/calls/config.ts';
import { parseOwn } from '../run/json.ts';
import { CommandError, type Runner } from '../run/runner.ts';
import type { StateFile } from '../run/state.ts';
import { untilReady } from './wait.ts';

/** One request that the API server saw, as its audit log has it. */
export interface ApiRequest {
  /** When it arrived, ms since the epoch. */
  readonly time: number;
  /** admin, operator, daemon:<node>. */
  readonly user: string;
  readonly verb: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly code: number;
}

/** The lab's API server and the person at it. */
export interface LabApi {
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  readonly client: KubeClient;
  readonly pid: number;
  /**
   * Path of a user's kubeconfig, good for now: of a daemon, for as long as its Node stands. Users that are not admin can be asked for
   * once the cluster is installed and has its Nodes; those that were asked for before also while the API server is stopped.
   */
  kubeconfigOf(user: string): Promise<string>;
  /** Runs the real kubectl; answers stdout. @throws CommandError with what it said */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** All requests so far. */
  requests(): readonly ApiRequest[];
  /** Stops its process (SIGSTOP): it answers no more, connections stay. */
  stop(): void;
  go(): void;
}

/** What an API server is started with. */
export interface ApiPlace {
  readonly runner: Runner;
  readonly file: StateFile;
  /** This machine's address on the management network: where it listens. */
  readonly address: string;
  /** Who, beside admin, will log in: operator, daemon:<node>. */
  readonly users: readonly string[];
}

/** Where a lab's API server comes from. */
export interface ApiSource {
  /** Starts it; its processes are the lab's, and end with it. @throws Error with the end of its log */
  start(place: ApiPlace): Promise<LabApi>;
  /** Arguments of `kubectl apply` that install what the cluster needs, one call after the other, from the project's folder. */
  manifests(): readonly (readonly string[])[];
}

/** What Multus brings to a real cluster. */
export const multusManifest = '--filename=src/lab/manifests/nad-crd.yaml';

/** The API server that is a part of the lab. */
export const embeddedApi: ApiSource = {
  start: startApi,
  manifests() {
    const ours = readdirSync(join(projectRoot(), 'crds')).filter((name) => name.startsWith('multinic.'));
    return [[...ours.map((name) => `--filename=crds/${name}`), multusManifest]];
  },
};

async function startApi({ runner, file, address, users }: ApiPlace): Promise<LabApi> {
  const dir = join(file.dir, 'api');
  const log = join(file.dir, 'apiserver.log');
  const audit = join(file.dir, 'audit.log');
  const program = fileURLToPath(new URL('../apiserver/main.ts', import.meta.url));
  const argv = [process.execPath, program, '--listen', `${address}:0`, '--dir', dir, '--audit-log', audit];
  const child = runner.start([...argv, ...users.flatMap((user) => ['--user', user])], log);
  const { pid } = child;
  if (pid === undefined) throw new Error('the API server could not be started');
  file.addProcess('apiserver', pid);
  const line = await untilReady('the API server', child, log, () => readyLine(log));
  const { kubeconfigs } = parseOwn<{ kubeconfigs: Record<string, string> }>(line);
  const kubeconfigOf = (user: string) => {
    const path = kubeconfigs[user];
    if (path === undefined) throw new Error(`the API server knows no user ${user}`);
    return path;
  };
  const kubeconfig = kubeconfigOf('admin');
  const cluster = await loadCluster({ kubeconfig, env: {} });
  return {
    ...person({ runner, file }, kubeconfig, pid),
    client: createClient({ cluster, userAgent: 'multinic-lab' }),
    kubeconfigOf: (user) => Promise.resolve(kubeconfigOf(user)),
    requests: () => readRequests(audit),
  };
}

/** What an administrator at the machine can do with any API server, given its process. */
export function person(
  { runner, file }: Pick<ApiPlace, 'runner' | 'file'>,
  kubeconfig: string,
  pid: number,
): Pick<LabApi, 'kubeconfig' | 'pid' | 'kubectl' | 'stop' | 'go'> {
  return {
    kubeconfig,
    pid,
    async kubectl(args, input) {
      const argv = ['kubectl', `--kubeconfig=${kubeconfig}`, `--cache-dir=${join(file.dir, 'kubectl-cache')}`, ...args];
      const outcome = await runner.run(argv, { cwd: projectRoot(), ...(input !== undefined && { input }) });
      if (outcome.code !== 0) throw new CommandError(['kubectl', ...args], outcome);
      return outcome.stdout;
    },
    stop: () => void process.kill(pid, 'SIGSTOP'),
    go: () => void process.kill(pid, 'SIGCONT'),
  };
}

/** The folder that crds/ and examples/ are in. */
export function projectRoot(): string {
  return fileURLToPath(new URL('../../..', import.meta.url));
}

function readyLine(log: string): string | undefined {
  return readFileSync(log, 'utf8')
    .split('\n')
    .slice(0, -1)
    .find((line) => line.startsWith('{"ready":true'));
}

function readRequests(audit: string): ApiRequest[] {
  return readFileSync(audit, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => parseOwn<ApiRequest>(line));
}
