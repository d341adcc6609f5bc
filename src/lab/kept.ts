import { join } from 'node:path';
import { createClient, type KubeClient } from '../kube/calls/client.ts';
import { loadCluster } from '../kube/calls/config.ts';
import { isNotFound } from '../kube/calls/errors.ts';
import { inNamespace, resources } from '../kube/calls/resource.ts';
import { enterHost } from './hosts/enter.ts';
import { type Cached, cachedOf } from './pods/attach.ts';
import type { PodHost } from './pods/host.ts';
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
import { createRunner } from './run/runner.ts';
import { type LabState, readStates } from './run/state.ts';

/** A lab that another process has built, as its record shows it. */
export interface StandingLab {
  readonly id: string;
  readonly dir: string;
  readonly hosts: readonly PodHost[];
}

/** Where something is to be done, by its host: a host itself, or a pod on it that is attached. */
export interface Place {
  readonly lab: StandingLab;
  readonly host: PodHost;
  /** Empty for a host. */
  readonly attached: readonly Cached[];
}

/** Labs that stand: that of $KUBECONFIG first, then the newest first. */
export function standingLabs(root: string, env: NodeJS.ProcessEnv): StandingLab[] {
  const chosen = (dir: string) => env['KUBECONFIG']?.startsWith(`${dir}/`) === true;
  return readStates(root)
    .toSorted((a, b) => Number(b.state.owner.startTime) - Number(a.state.owner.startTime))
    .toSorted((a, b) => Number(chosen(b.dir)) - Number(chosen(a.dir)))
    .map(({ dir, state }) => ({ id: state.id, dir, hosts: hostsOf(root, dir, state) }))
    .filter(({ hosts }) => hosts.length > 0);
}

/** A host or a pod by its name. @throws Error naming what there is */
export function findPlace(labs: readonly StandingLab[], name: string): Place {
  for (const lab of labs) {
    for (const host of lab.hosts) {
      if (host.name === name) return { lab, host, attached: [] };
      const attached = cachedOf(host.dir, name);
      if (attached.length > 0) return { lab, host, attached };
    }
  }
  const [lab] = labs;
  if (lab === undefined) throw new Error('no lab is up: npm run demo -- --keep leaves one');
  const hosts = lab.hosts.map((host) => host.name).join(', ');
  throw new Error(`no host or attached pod "${name}" in lab ${lab.id}: there are ${hosts} and the pods on them`);
}

/**
 * Attaches a pod as Multus does: one whose object exists, or a new one that asks for `networks`.
 * @throws PluginError with a plugin's refusal, Error with what to do
 */
export async function attachInLab(
  { lab, host }: Place,
  name: string,
  networks: string | undefined,
): Promise<LabPod<PodHost>> {
  const before = lab.hosts.find(({ dir }) => cachedOf(dir, name).length > 0);
  if (before !== undefined) throw new Error(`pod ${name} is attached on ${before.name}: lab detach ${name}`);
  return withClient(lab, async (client) => {
    if (networks === undefined) return attach(client, host, await existing(client, name));
    const wanted = podObject(name, namespace, host.name, networks);
    const pod = await client.create(inNamespace(resources.pods, namespace), wanted);
    try {
      return await attach(client, host, pod);
    } catch (error) {
      await forgetPod(client, namespace, name);
      throw error;
    }
  });
}

async function attach(client: KubeClient, host: PodHost, pod: Pod): Promise<LabPod<PodHost>> {
  const running = await attachPod(await preparePod(client, host, pod));
  await reportPod(client, running);
  return running;
}

/** DEL of each network of a pod, then its object goes. */
export async function detachInLab({ lab, host, attached }: Place): Promise<void> {
  const [first] = attached;
  if (first === undefined) throw new Error(`${host.name} is a host: name a pod`);
  const { sandbox } = first;
  await detachPod({ host, sandbox, attachments: attached.map(({ attachment }) => attachment) });
  await withClient(lab, async (client) => {
    try {
      await forgetPod(client, sandbox.namespace, sandbox.pod);
    } catch (error) {
      // kubectl may have deleted it.
      if (!isNotFound(error)) throw error;
    }
  });
}

const namespace = 'default';

async function existing(client: KubeClient, name: string): Promise<Pod> {
  try {
    return await readPod(client, namespace, name);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new Error(`there is no pod ${namespace}/${name}: kubectl apply one, or say --networks NAME`, {
      cause: error,
    });
  }
}

async function withClient<T>({ dir }: StandingLab, work: (client: KubeClient) => Promise<T>): Promise<T> {
  const cluster = await loadCluster({ kubeconfig: join(dir, 'api/kubeconfig-admin'), env: {} });
  const client = createClient({ cluster, userAgent: 'multinic-lab' });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

function hostsOf(root: string, dir: string, { id, processes }: LabState): PodHost[] {
  const runner = createRunner(id, root);
  return processes
    .filter(({ name }) => /^host\d+$/.test(name))
    .map(({ name, pid }) => ({
      name,
      pid,
      dir: join(dir, 'hosts', name),
      exec: (argv, options) => runner.run([...enterHost(pid), ...argv], options),
    }));
}
