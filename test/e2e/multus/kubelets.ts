import type { KubeObject } from '../../../src/api/meta.ts';
import { trusted } from '../../../src/kube/calls/json.ts';
import { inNamespace, resources } from '../../../src/kube/calls/resource.ts';
import { startReflector } from '../../../src/kube/copy/reflector.ts';
import { silent } from '../../../src/kube/logger.ts';
import type { LabHost } from '../../../src/lab/hosts/hosts.ts';
import type { Lab } from '../../../src/lab/lab.ts';
import { forgetPod, type LabPod, type Pod, preparePod } from '../../../src/lab/pods/pods.ts';
import type { Multus } from './multus.ts';

/**
 * What the kubelets of all hosts and their runtimes do about the network of a namespace's pods: once a pod is bound to their Node, a
 * sandbox, ADD by Multus and the status; once it is deleted, DEL and the end of its object.
 */
export interface Kubelets {
  /** Pods that run, by name. */
  readonly running: ReadonlyMap<string, LabPod>;
  /** Says of the host's Node that it is Ready, or that it is not, and what it has room for. */
  report(host: LabHost, ready: boolean): Promise<void>;
  /** @throws the first error that they met */
  stop(): Promise<void>;
}

export function startKubelets(lab: Lab, multus: Multus, namespace: string): Kubelets {
  const { client } = lab.api;
  const running = new Map<string, LabPod>();
  const work = new Map<string, Promise<void>>();
  const failed: unknown[] = [];
  const stop = new AbortController();
  const reflector = startReflector<Pod>({
    client,
    ref: inNamespace(resources.pods, namespace),
    signal: stop.signal,
    logger: silent,
    project: (object) => trusted<Pod>(object),
  });
  // What is to be done about one pod is done one after the other.
  reflector.onChange(({ key, new: pod }) => {
    const before = work.get(key) ?? Promise.resolve();
    const next = before.then(() => follow(pod)).catch((error: unknown) => void failed.push(error));
    work.set(key, next);
  });

  async function follow(pod: Pod | undefined): Promise<void> {
    if (pod === undefined) return;
    const { name, deletionTimestamp } = pod.metadata;
    const host = lab.hosts.find((one) => one.name === pod.spec?.nodeName);
    const known = running.get(name);
    if (deletionTimestamp !== undefined && known !== undefined) {
      await multus.detach(known);
      running.delete(name);
      await forgetPod(client, namespace, name);
    }
    if (deletionTimestamp !== undefined || known !== undefined || host === undefined) return;
    running.set(name, await multus.attach(await preparePod(client, host, pod)));
    const status = {
      phase: 'Running',
      conditions: ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => ({ type, status: 'True' })),
    };
    await client.patch(inNamespace(resources.pods, namespace), name, 'merge', { status }, { subresource: 'status' });
  }

  return {
    running,
    async report({ name }, ready) {
      const room = { cpu: '4', memory: '8Gi', pods: '110' };
      const condition = { type: 'Ready', status: ready ? 'True' : 'False', reason: 'LabHost', message: 'a namespace' };
      const lastTransitionTime = new Date().toISOString();
      const status = { conditions: [{ ...condition, lastTransitionTime }], capacity: room, allocatable: room };
      await client.patch<KubeObject>(resources.nodes, name, 'merge', { status }, { subresource: 'status' });
    },
    async stop() {
      stop.abort();
      await reflector.ended;
      await Promise.all(work.values());
      if (failed.length > 0) throw failed[0];
    },
  };
}
