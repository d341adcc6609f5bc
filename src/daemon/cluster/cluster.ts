import type { Nic } from '../../api/host.ts';
import type { Kernel } from '../../kernel/types.ts';
import { createClient } from '../../kube/calls/client.ts';
import { loadCluster } from '../../kube/calls/config.ts';
import type { Clock } from '../../kube/clock.ts';
import { runController } from '../../kube/reconcile/controller.ts';
import { createQueue } from '../../kube/reconcile/queue.ts';
import { watchNics } from '../../nic/watch.ts';
import type { DaemonMetrics } from '../../observe/daemon-metrics.ts';
import type { Logger } from '../../observe/logger.ts';
import type { Readiness } from '../../observe/readiness.ts';
import { version } from '../../observe/version.ts';
import type { Store } from '../../store/types.ts';
import type { AttachEngine } from '../attach/engine.ts';
import type { HostState } from '../host-state.ts';
import type { DaemonOptions } from '../options.ts';
import { startCaches } from './caches.ts';
import { createPlanning } from './planning.ts';
import { createIsPodHere } from './pod-here.ts';
import { createPublishing } from './publishing.ts';
import { recoverStore } from './recover-store.ts';
import { createRouting, type RouteReport } from './routing.ts';

export interface ClusterParts {
  readonly options: DaemonOptions;
  readonly kernel: Kernel;
  readonly store: Store;
  readonly state: HostState;
  readonly engine: AttachEngine;
  readonly readiness: Readiness;
  readonly metrics: DaemonMetrics;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Of everything that has to do with the API; the kernel is looked at in its own time. */
  readonly clock: Clock;
}

export interface ClusterLoops {
  routes(): readonly RouteReport[];
  /** Resolves when the signal has ended all loops. */
  readonly closed: Promise<void>;
}

/** Work of the loops, each a level: what is desired is computed anew, whatever woke it. */
type Step = 'recovery' | 'plan' | 'routes' | 'published' | 'retry' | 'collection' | 'lent';

/** How long changes are gathered before a step runs, ms. */
const settleMs = 20;
/** Kernel events are gathered so long before routes are looked at: each pod makes a burst of them, ms. */
const repairMs = 300;
/** Everything is looked at again so often, whatever events said, ms. */
const resyncMs = 60_000;

/**
 * Starts what connects the host with the cluster: NICs and ledger in, plan and routes out, claims and pools back. Resolves
 * when the NICs are known and the routes of the cached plan stand, so that ADD is served only then; the API may be away.
 */
export async function startCluster(parts: ClusterParts): Promise<ClusterLoops> {
  const { options, state, log, signal, readiness, engine, kernel, store, clock } = parts;
  const queue = createQueue(clock);
  const wake = (step: Step): void => queue.addAfter(step, settleMs);
  const client = createClient({
    cluster: await loadCluster({
      ...(options.kubeconfig !== undefined && { kubeconfig: options.kubeconfig }),
      env: process.env,
      clock,
    }),
    userAgent: `multinic-daemon/${version}`,
    onCall: (call) => parts.metrics.apiCall(call),
    clock,
  });
  const caches = startCaches({ client, node: options.node, signal, log, clock, onChange: wake });
  const planning = createPlanning({ ...parts, caches });
  const routing = createRouting({ ...parts, caches });
  const publishing = createPublishing({ ...parts, caches, client, routing });

  const known = Promise.withResolvers<void>();
  watchNics({
    kernel,
    include: options.nicsInclude,
    exclude: options.nicsExclude,
    lent: () => store.lent.values(),
    signal,
    onChange: (nics: readonly Nic[]) => {
      state.nics = nics;
      readiness.set('nics', undefined);
      known.resolve();
      wake('plan');
    },
    onError: (error) => {
      readiness.set('nics', `the host's NICs cannot be read: ${String(error)}`);
      log.error({ err: error }, 'the NICs cannot be read: trying again');
      known.resolve();
    },
  });
  await known.promise;
  await routing.sync();
  kernel.watch(() => {
    queue.addAfter('routes', repairMs);
    if (store.lent.size > 0) queue.addAfter('lent', settleMs);
  }, signal);
  let lent = store.lent.size;
  engine.onChange(() => {
    wake('published');
    // Routes over a NIC go and come with it, also where its last link event was earlier.
    if (store.lent.size !== lent) queue.addAfter('routes', repairMs);
    lent = store.lent.size;
    // What was published and is not served may have waited for just these addresses.
    if (state.notes.length > 0) wake('plan');
  });
  queue.addAfter('retry', resyncMs);
  const isPodHere = createIsPodHere(client, options.node, signal);
  queue.addAfter('collection', options.gcIntervalMs);

  const steps: Record<Step, () => Promise<{ after: number } | undefined>> = {
    recovery: async () => {
      await recoverStore({ ...parts, caches });
      wake('plan');
      return undefined;
    },
    plan: async () => {
      if (await planning.derive()) await routing.sync();
      wake('published');
      return { after: resyncMs };
    },
    routes: async () => {
      await routing.sync();
      // The first time, the network may be claimed now; and trouble, or its end, may have to be told.
      wake('published');
      return undefined;
    },
    published: async () => publishing.sync(),
    lent: async () => {
      // What cannot be put right is told by the slow look.
      await engine.settleLent();
      return undefined;
    },
    retry: async () => {
      for (const failure of await engine.retry()) log.warn({ failure }, 'still not undone');
      return { after: resyncMs };
    },
    collection: async () => {
      const { failed } = await engine.collect(isPodHere);
      for (const failure of failed) log.warn({ failure }, 'abandoned, but not undone yet');
      return { after: options.gcIntervalMs };
    },
  };
  const stepOf = new Map(Object.entries(steps));
  const loops = runController({
    name: 'daemon',
    queue,
    clock,
    workers: 3,
    reconcile: async (key) => stepOf.get(key)?.(),
    logger: log,
    signal,
  });
  caches.synced.then(
    () => {
      queue.add('recovery');
      queue.add('plan');
    },
    () => {},
  );
  return {
    routes: () => routing.report(),
    closed: loops.then(() => client.close()),
  };
}
