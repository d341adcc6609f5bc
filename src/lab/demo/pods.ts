import type { Lab } from '../lab.ts';
import { attachPod, detachPod, type LabPod, type PreparedPod, podObject, preparePod, readPod } from '../pods/pods.ts';
import { type DaemonCalls, daemonCalls } from './calls.ts';

/** Pods that are attached or detached at once, as kubelets of many hosts would. */
const atOnce = 32;

/** A name and a place for each pod: pod-<host>-<number>. */
export function podPlaces(lab: Lab, each: number): { name: string; host: Lab['hosts'][number] }[] {
  return lab.hosts.flatMap((host) =>
    Array.from({ length: each }, (_, at) => ({ name: `pod-${host.number}-${at + 1}`, host })),
  );
}

/** Creates the Pod objects by kubectl and reads what Multus would read before it calls any plugin. */
export async function createPods(
  lab: Lab,
  network: string,
  places: readonly { name: string; host: Lab['hosts'][number] }[],
): Promise<PreparedPod[]> {
  const items = places.map(({ name, host }) => podObject(name, 'default', host.name, network));
  await lab.api.kubectl(['apply', '--filename=-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  return eachOf(places, async ({ name, host }) => {
    const pod = await readPod(lab.api.client, 'default', name);
    return preparePod(lab.api.client, host, pod);
  });
}

/** ADD for all; answers the pods and what the daemons asked the API server meanwhile. */
export async function attachAll(
  lab: Lab,
  prepared: readonly PreparedPod[],
): Promise<{ pods: LabPod[]; calls: DaemonCalls }> {
  const from = Date.now();
  const pods = await eachOf(prepared, attachPod);
  return { pods, calls: daemonCalls(lab.api.requests(), from, Date.now()) };
}

/** DEL for all; answers what the daemons asked the API server meanwhile. */
export async function detachAll(lab: Lab, pods: readonly LabPod[]): Promise<DaemonCalls> {
  const from = Date.now();
  await eachOf(pods, detachPod);
  return daemonCalls(lab.api.requests(), from, Date.now());
}

/** ADDs and DELs that succeed while the API server's process is stopped, of as many pods. */
export async function attachWithoutApi(
  lab: Lab,
  network: string,
  count: number,
): Promise<{ adds: number; dels: number; problems: string[] }> {
  const places = Array.from({ length: count }, (_, at) => ({
    name: `offline-${at + 1}`,
    host: lab.hosts[at % lab.hosts.length] ?? failNoHost(),
  }));
  const prepared = await createPods(lab, network, places);
  lab.api.stop();
  try {
    const added = await Promise.allSettled(prepared.map(attachPod));
    const pods = added.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const removed = await Promise.allSettled(pods.map(detachPod));
    const problems = [...added, ...removed].flatMap((outcome) =>
      outcome.status === 'rejected' ? [`with the API server stopped: ${String(outcome.reason)}`] : [],
    );
    return { adds: pods.length, dels: removed.filter(({ status }) => status === 'fulfilled').length, problems };
  } finally {
    lab.api.go();
    await lab.api.kubectl(['delete', 'pods', '--wait=false', ...places.map(({ name }) => name)]);
  }
}

/** Runs the work on all, so many at once, and answers in order. @throws the first error, when all that was begun is done */
export async function eachOf<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const failed: unknown[] = [];
  const waiting = [...items.entries()];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined && failed.length === 0; next = waiting.shift()) {
      const [at, item] = next;
      try {
        results[at] = await work(item);
      } catch (error) {
        failed.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  if (failed.length > 0) throw failed[0];
  return results;
}

function failNoHost(): never {
  throw new Error('the lab has no host');
}
