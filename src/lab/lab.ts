import { copyFileSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeObject } from '../api/meta.ts';
import { counted } from '../api/words.ts';
import { isApiError, isNotFound } from '../kube/calls/errors.ts';
import { type ResourceRef, resources } from '../kube/calls/resource.ts';
import { type ApiSource, embeddedApi, type LabApi } from './cluster/api.ts';
import { daemonProgram, operatorProgram, type Program } from './cluster/programs.ts';
import { until } from './cluster/wait.ts';
import type { LabHost } from './hosts/hosts.ts';
import {
  attachPod,
  detachPod,
  forgetPod,
  type LabPod,
  type Pod,
  podObject,
  preparePod,
  readPod,
  reportPod,
} from './pods/pods.ts';
import { type BareLab, type BareLabOptions, createBareLab } from './run/bare-lab.ts';
import { identify } from './run/processes.ts';

/** Names the folder for saved logs; without it a new one is made. */
export const logsVariable = 'MULTINIC_LAB_LOGS';

export interface LabOptions extends Omit<BareLabOptions, 'families'> {
  /** Address families of the rails; default IPv4. */
  readonly families?: readonly (4 | 6)[];
  /** Where its API server comes from; default: the embedded one. */
  readonly api?: ApiSource;
  /** More options for each daemon. */
  readonly daemonArgs?: readonly string[];
  /** Told what is being done, a line at a time. */
  readonly progress?: (line: string) => void;
}

export interface PodSpec {
  readonly name: string;
  /** Default: default. */
  readonly namespace?: string;
  readonly host: LabHost;
  /** Text of the annotation k8s.v1.cni.cncf.io/networks. */
  readonly networks: string;
}

/** A running cluster of namespaces; see README.md. */
export interface Lab {
  readonly id: string;
  /** Its folder: logs, kubeconfigs, audit log, the hosts' stores. */
  readonly dir: string;
  readonly bare: BareLab;
  readonly hosts: readonly LabHost[];
  readonly api: LabApi;
  readonly operator: Program;
  /** The daemon of a host. */
  daemon(host: LabHost): Program;
  /** Starts a host's daemon and waits until it is ready. */
  startDaemon(host: LabHost): Promise<void>;
  /** Ends a host's daemon, without mercy by default. */
  killDaemon(host: LabHost, signal?: NodeJS.Signals): Promise<void>;
  /** Makes the Pod object and attaches it as Multus does. @throws PluginError */
  addPod(spec: PodSpec): Promise<LabPod>;
  /** DEL of each network, then the object goes. */
  removePod(pod: LabPod): Promise<void>;
  /** Attaches a pod whose object exists. */
  runPod(namespace: string, name: string): Promise<LabPod>;
  /** Writes network-status and phase of pods attached by other means. */
  reportPods(pods: readonly LabPod[]): Promise<void>;
  /** Their objects go for good, if kubectl has not seen to that. */
  forgetPods(pods: readonly LabPod[]): Promise<void>;
  /** Copies the logs to a folder that outlives the lab; answers its path. */
  saveLogs(): string;
  /** From now on the lab outlives this process; `lab clean` takes it down. */
  keep(): void;
  /** Takes everything down. */
  close(): Promise<void>;
}

/**
 * Builds hosts, API server, operator and a daemon on each host, all ready when it answers.
 * @throws Error saying what did not start, with the end of its log; nothing is left then
 */
export async function createLab(options: LabOptions): Promise<Lab> {
  const progress = options.progress ?? (() => undefined);
  const { hosts, nics } = options;
  progress(`building ${counted(hosts, 'host')} with ${counted(nics, 'pool NIC')}, one for each rail`);
  const bare = await createBareLab({ families: [4], ...options });
  try {
    return await startCluster(bare, options, progress);
  } catch (error) {
    await bare.close();
    throw error;
  }
}

async function startCluster(bare: BareLab, options: LabOptions, progress: (line: string) => void): Promise<Lab> {
  const { runner, file, network } = bare;
  const { hosts } = network;
  progress('starting the API server');
  const users = ['operator', ...hosts.map((host) => `daemon:${host.name}`)];
  const source = options.api ?? embeddedApi;
  const api = await source.start({ runner, file, address: network.mgmtAddress, users });
  await prepareCluster(api, source, hosts);
  progress(`starting the operator and ${counted(hosts.length, 'daemon')}`);
  const surroundings = { runner, file, api };
  const operator = operatorProgram(surroundings);
  const daemons = new Map(hosts.map((host) => [host, daemonProgram(surroundings, host, options.daemonArgs ?? [])]));
  await Promise.all([operator.start(), ...[...daemons.values()].map((daemon) => daemon.start())]);
  const daemon = (host: LabHost) => daemons.get(host) ?? fail(`the lab has no host ${host.name}`);
  const runPod = async (namespace: string, name: string) => {
    const pod = await readPod(api.client, namespace, name);
    return attachAndReport(api, hosts, pod);
  };
  return {
    id: bare.id,
    dir: bare.dir,
    bare,
    hosts,
    api,
    operator,
    daemon,
    startDaemon: (host) => daemon(host).start(),
    killDaemon: (host, signal = 'SIGKILL') => daemon(host).stop(signal),
    async addPod({ name, namespace = 'default', host, networks }) {
      await api.client.create({ ...resources.pods, namespace }, podObject(name, namespace, host.name, networks));
      return runPod(namespace, name);
    },
    runPod,
    async removePod(pod) {
      await detachPod(pod);
      await forgetPod(api.client, pod.namespace, pod.name);
    },
    async reportPods(pods) {
      await Promise.all(pods.map((pod) => reportPod(api.client, pod)));
    },
    async forgetPods(pods) {
      await Promise.all(pods.map((pod) => forgetPod(api.client, pod.namespace, pod.name)));
    },
    saveLogs() {
      const target = process.env[logsVariable] ?? mkdtempSync(join(tmpdir(), 'multinic-lab-'));
      for (const name of readdirSync(bare.dir).filter((name) => name.endsWith('.log'))) {
        copyFileSync(join(bare.dir, name), join(target, name));
      }
      return target;
    },
    keep: () => file.update({ kept: true }),
    async close() {
      if (identify(api.pid) !== undefined) api.go();
      await api.client.close();
      await bare.close();
    },
  };
}

async function attachAndReport(api: LabApi, hosts: readonly LabHost[], pod: Pod): Promise<LabPod> {
  const host = hosts.find(({ name }) => name === pod.spec?.nodeName);
  if (host === undefined) throw new Error(`pod ${pod.metadata.name}: no host ${pod.spec?.nodeName}`);
  const running = await attachPod(await preparePod(api.client, host, pod));
  await reportPod(api.client, running);
  return running;
}

/** CRDs (ours, and the one that Multus brings), and a Ready Node object for each host. */
async function prepareCluster(api: LabApi, source: ApiSource, hosts: readonly LabHost[]): Promise<void> {
  for (const manifests of source.manifests()) await api.kubectl(['apply', ...manifests]);
  await api.kubectl(['wait', '--for=condition=Established', '--timeout=90s', 'crd', '--all']);
  await Promise.all(Object.values(resources).map((ref) => listable(api, ref)));
  const now = new Date().toISOString();
  for (const host of hosts) {
    const ready = { type: 'Ready', status: 'True', reason: 'LabHost', message: 'a namespace', lastTransitionTime: now };
    const address = host.nics[0]?.addresses[0]?.split('/')[0] ?? '';
    const labels = { 'kubernetes.io/hostname': host.name };
    const node: KubeObject = { apiVersion: 'v1', kind: 'Node', metadata: { name: host.name, labels } };
    await api.client.create(resources.nodes, node);
    const status = { conditions: [ready], addresses: [{ type: 'InternalIP', address }] };
    await api.client.patch(resources.nodes, host.name, 'merge', { status }, { subresource: 'status' });
  }
}

/** A server's cache of a kind that was just defined is filled from the first question on: until then it answers 429. A kind of another project need not be there. */
async function listable({ client }: LabApi, ref: ResourceRef): Promise<void> {
  await until(`the list of ${ref.plural}`, async () => {
    try {
      return await client.list(ref, { limit: 1 });
    } catch (error) {
      if (isApiError(error, 429)) return undefined;
      if (isNotFound(error)) return [];
      throw error;
    }
  });
}

function fail(message: string): never {
  throw new Error(message);
}
