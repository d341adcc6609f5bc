import type { ClusterPrefix } from '../api/relations.ts';
import type { KubeClient } from '../kube/calls/client.ts';
import { type Clock, systemClock } from '../kube/clock.ts';
import { startRecorder } from '../kube/events/events.ts';
import type { Election } from '../kube/lease/election.ts';
import type { Logger } from '../kube/logger.ts';
import { createQueue, type Queue } from '../kube/reconcile/queue.ts';
import type { OperatorMetrics } from '../observe/operator-metrics.ts';
import type { Readiness } from '../observe/readiness.ts';
import { type Caches, startCaches } from './caches.ts';
import type { DaemonsOptions } from './config/reconcile-config.ts';
import type { Context } from './context.ts';
import { runControllers } from './controllers.ts';
import { createParse } from './decide/accepted.ts';
import { createDesired } from './decide/desired.ts';
import { createNicsOf } from './decide/host-nics.ts';
import { createDependentCaches, type DependentKind } from './dependents/caches.ts';
import { createGoneNodes } from './gone.ts';
import { createReturning } from './ledger/returning.ts';
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
  const queues = { network: queue(), host: queue(), namespace: queue(), config: queue() };
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
      await runControllers(context, until, options.daemons);
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
