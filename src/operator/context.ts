import type { ClusterPrefix } from '../api/relations.ts';
import type { KubeClient } from '../kube/calls/client.ts';
import type { Clock } from '../kube/clock.ts';
import type { Recorder } from '../kube/events/events.ts';
import type { Logger } from '../kube/logger.ts';
import type { ControllerOptions } from '../kube/reconcile/controller.ts';
import type { Queue } from '../kube/reconcile/queue.ts';
import type { Caches } from './caches.ts';
import type { Parse } from './decide/accepted.ts';
import type { Desired } from './decide/desired.ts';
import type { NicsOf } from './decide/host-nics.ts';
import type { DependentCaches } from './dependents/caches.ts';
import type { GoneNodes } from './gone.ts';
import type { Returning } from './ledger/returning.ts';

/** For a controller: what its reconciles came to. */
export type CountReconciles = (controller: string) => NonNullable<ControllerOptions['onReconciled']>;

/** What the controllers share; made once, in run.ts. */
export interface Context {
  readonly client: KubeClient;
  readonly caches: Caches;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: Recorder;
  readonly onReconciled: CountReconciles;
  readonly dependents: DependentCaches;
  readonly desired: Desired;
  readonly goneNodes: GoneNodes;
  readonly returning: Returning;
  readonly parse: Parse;
  readonly nicsOf: NicsOf;
  /** Prefixes that the cluster uses itself, as far as this program was told. */
  readonly clusterNetworks: readonly ClusterPrefix[];
  readonly queues: Readonly<Record<'network' | 'host' | 'namespace' | 'config', Queue>>;
  /** How long the last reconcile of each network took, ms. */
  readonly reconcileMs: Map<string, number>;
  /** When each slice was written that was written within the last second, ms since the epoch. */
  readonly sliceWrites: Map<string, number>;
  /** Writes of one reconcile that run at the same time. */
  readonly width: number;
}
