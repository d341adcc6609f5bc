import type { ClusterPrefix } from '../api/relations.ts';
import type { KubeClient } from '../kube/client.ts';
import { aborted, type Clock, systemClock } from '../kube/clock.ts';
import { type Reconcile, runController } from '../kube/controller.ts';
import type { Election } from '../kube/election.ts';
import { startRecorder } from '../kube/events.ts';
import type { Logger } from '../kube/logger.ts';
import { createQueue, type Queue } from '../kube/queue.ts';
import type { OperatorMetrics } from '../observe/operator-metrics.ts';
import type { Readiness } from '../observe/readiness.ts';
import { type Caches, startCaches } from './caches.ts';
import { type DaemonsOptions, runConfigController } from './config/config-controller.ts';
import type { Context } from './context.ts';
import { createParse } from './decide/accepted.ts';
import { createDesired } from './decide/desired.ts';
import { createNicsOf } from './decide/host-nics.ts';
import { createDependentCaches, type DependentKind } from './dependents/caches.ts';
import { createGoneNodes } from './gone.ts';
import { reconcileHost } from './hosts/host-controller.ts';
import { createReturning } from './ledger/returning.ts';
import { reconcileNamespace } from './nads/namespace-controller.ts';
import { reconcileNetwork } from './network/network-controller.ts';
import { wakeOnChange } from './wake.ts';
import { fieldManager } from './writes.ts';

export interface OperatorOptions {
  readonly client: KubeClient;
  readonly logger: Logger;
  /** Aborted: finish what is being written, then resolve. */
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  /** Prefixes that the cluster uses itself, beside the pod networks of its Nodes. */
  readonly clusterNetworks?: readonly ClusterPrefix[];
  /** Names this process in the Events that it writes. */
  readonly identity?: string;
  /** Absent: this operator is the only one. `client` has to refuse writes while it does not lead. */
  readonly election?: Election;
  /** Told what happens, and asked how things stand. */
  readonly metrics?: OperatorMetrics;
  /** Ready once all lists were read; a follower is ready too. */
  readonly readiness?: Readiness;
  /** Where the SR-IOV network operator has its objects. */
  readonly sriovNamespace?: string;
  /** Given: it runs the daemons too, as the Config says. */
  readonly daemons?: DaemonsOptions;
}

const usualSriovNamespace = 'openshift-sriov-network-operator';

/**
 * The operator: resolves when the signal has been aborted and nothing runs any more. Nothing that the API server does or fails to do
 * ends it; before it decides anything it waits until it knows all that the server knew when its term began. With an election it
 * decides only while it leads, and starts anew, remembering nothing, after it has lost the lease.
 */
export async function runOperator(options: OperatorOptions): Promise<void> {
  const { election, signal } = options;
  if (election === undefined) return runTerm(options, (work) => work(signal));
  while (!signal.aborted) {
    const term = new AbortController();
    const candidate: OperatorOptions = { ...options, signal: AbortSignal.any([signal, term.signal]) };
    await runTerm(candidate, async (work) => {
      try {
        if (await election.win()) await election.lead(work);
      } finally {
        term.abort();
      }
    });
  }
}

/** Copies of everything from the start, work on them when `whenLeading` calls for it. */
async function runTerm(
  options: OperatorOptions,
  whenLeading: (work: (signal: AbortSignal) => Promise<void>) => Promise<void>,
): Promise<void> {
  const { client, logger, metrics, readiness, signal } = options;
  const clock = options.clock ?? systemClock();
  const caches = startCaches({ client, signal, logger, clock, ...(readiness && { readiness }) });
  readiness?.set('lists', undefined);
  const queue = (): Queue => createQueue(clock);
  const queues = { network: queue(), host: queue(), namespace: queue() };
  const onGone = (host: string): void => {
    queues.host.add(host);
    for (const name of caches.networks.keys()) queues.network.add(name);
  };
  const events = startRecorder({
    client,
    component: fieldManager,
    instance: options.identity ?? fieldManager,
    clock,
    logger,
    signal,
  });
  const dependents = createDependentCaches({
    client,
    signal,
    logger,
    clock,
    sriovNamespace: options.sriovNamespace ?? usualSriovNamespace,
    onChange: (kind) => wakeNetworksOf(kind, caches, queues.network),
  });
  const context: Context = {
    client,
    caches,
    clock,
    logger,
    events,
    onReconciled: (controller) => (result, ms) => metrics?.reconciled(controller, result, ms / 1_000),
    dependents,
    desired: createDesired(),
    goneNodes: createGoneNodes(client, caches, onGone),
    returning: createReturning(caches, clock),
    parse: createParse(),
    nicsOf: createNicsOf(),
    clusterNetworks: options.clusterNetworks ?? [],
    queues,
    reconcileMs: new Map(),
    sliceWrites: new Map(),
    width: 16,
  };
  let leading = false;
  metrics?.follow(() => ({
    leading,
    networks: caches.networks.list(),
    queues: new Map(Object.entries(queues).map(([name, { waiting }]) => [name, waiting])),
    events: events.waiting,
  }));
  await whenLeading(async (until) => {
    leading = true;
    try {
      await work(context, until, options.daemons);
    } finally {
      leading = false;
    }
  });
  await Promise.all([caches.ended, events.ended, dependents.ended()]);
}

/** Networks that a kind of another operator's objects concerns. */
function wakeNetworksOf(kind: DependentKind, { networks }: Caches, queue: Queue): void {
  const type = kind === 'nicPolicies' ? 'mellanox' : 'sriov';
  for (const { metadata, spec } of networks.list()) if (spec?.plugin.type === type) queue.add(metadata.name);
}

/** The controllers, until the signal is aborted. */
async function work(context: Context, signal: AbortSignal, daemons?: DaemonsOptions): Promise<void> {
  const { caches, clock, events, logger, onReconciled } = context;
  wakeOnChange(context);
  // Copies that were kept while another led may know a host before what the other gave it, and would take it back.
  await Promise.race([caches.catchUp(), caches.ended, aborted(signal)]);
  context.returning.begin();
  if (!signal.aborted) logger.info({ networks: caches.networks.size, hosts: caches.hosts.size }, 'operator started');
  const run = (name: keyof Context['queues'], workers: number, reconcile: Reconcile): Promise<void> =>
    runController({
      name,
      queue: context.queues[name],
      clock,
      workers,
      reconcile,
      onReconciled: onReconciled(name),
      logger,
      signal,
    });
  await Promise.all([
    // One: each judges beside what those before it have taken.
    run('network', 1, async (key) => {
      const started = clock.now();
      try {
        return await reconcileNetwork(context, key, signal);
      } finally {
        if (caches.networks.has(key)) context.reconcileMs.set(key, clock.now() - started);
        else context.reconcileMs.delete(key);
      }
    }),
    run('host', 16, (key) => reconcileHost(context, key, signal)),
    daemons && runConfigController({ client: context.client, clock, logger, events, onReconciled, ...daemons }, signal),
    run('namespace', 1, (key) => reconcileNamespace(context, key)),
  ]);
}
