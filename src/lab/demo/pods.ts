import { availableParallelism } from 'node:os';
import type { Lab } from '../lab.ts';
import { attachPod, detachPod, type LabPod, type PreparedPod, podObject, preparePod, readPod } from '../pods/pods.ts';
import { type DaemonCalls, daemonCalls } from './calls.ts';

/**
 * Pods that are attached or detached at once for each processor: one pod runs a delegate for each NIC, and on a slow machine more
 * at once end in time-outs of its programs.
 */
const perProcessor = 4;

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
    const added = await settleEach(prepared, attachPod);
    const pods = added.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const removed = await settleEach(pods, detachPod);
    const problems = [...added, ...removed].flatMap((outcome) =>
      outcome.status === 'rejected' ? [`with the API server stopped: ${String(outcome.reason)}`] : [],
    );
    return { adds: pods.length, dels: removed.filter(({ status }) => status === 'fulfilled').length, problems };
  } finally {
    lab.api.go();
    // By force: no kubelet will say that they have ended.
    await lab.api.kubectl(['delete', 'pods', '--force', '--wait=false', ...places.map(({ name }) => name)]);
  }
}

/** Runs the work on all, as many at once as the machine can bear, and answers in order. @throws the first error, when all that was begun is done */
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
  await Promise.all(Array.from({ length: perProcessor * availableParallelism() }, worker));
  if (failed.length > 0) throw failed[0];
  return results;
}

/** As eachOf, to the end whatever fails. */
function settleEach<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<PromiseSettledResult<R>[]> {
  return eachOf(items, async (item) => (await Promise.allSettled([work(item)]))[0]);
}

function failNoHost(): never {
  throw new Error('the lab has no host');
}
