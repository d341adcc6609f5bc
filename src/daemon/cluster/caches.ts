import type { CIDR } from '../../api/kinds/cidr.ts';
import type { CIDRSlice } from '../../api/kinds/cidrslice.ts';
import type { HostInterface } from '../../api/kinds/hostinterface.ts';
import { type IPPool, poolHostLabel } from '../../api/kinds/ippool.ts';
import type { MultiNicNetwork } from '../../api/kinds/multinicnetwork.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { KubeClient } from '../../kube/calls/client.ts';
import { trusted } from '../../kube/calls/json.ts';
import { resources } from '../../kube/calls/resource.ts';
import type { Clock } from '../../kube/clock.ts';
import { type Reflector, type ReflectorOptions, startReflector } from '../../kube/copy/reflector.ts';
import type { Logger } from '../../observe/logger.ts';

/** The daemon's copies of API objects: its own host's, and of all hosts only networks and ledger heads. */
export interface Caches {
  readonly host: Reflector<HostInterface>;
  readonly networks: Reflector<MultiNicNetwork>;
  readonly cidrs: Reflector<CIDR>;
  readonly pools: Reflector<IPPool>;
  /** All hosts' ledger entries: started with the first routed network, for nobody else needs them. */
  slices(): Reflector<CIDRSlice>;
  /** Resolves once everything but the slices has been listed. */
  readonly synced: Promise<void>;
}

export interface CacheOptions {
  readonly client: KubeClient;
  readonly node: string;
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly clock: Clock;
  /** Something changed that the plan, the routes or what is published may depend on. */
  readonly onChange: (what: 'plan' | 'routes' | 'published') => void;
}

/** managedFields are a third of an object and nobody here reads them. */
function slim(object: KubeObject): KubeObject {
  const metadata: KubeObject['metadata'] & { managedFields?: unknown } = { ...object.metadata };
  delete metadata.managedFields;
  return { ...object, metadata };
}

export function startCaches({ client, node, signal, log, clock, onChange }: CacheOptions): Caches {
  const start = <T extends KubeObject>(
    ref: ReflectorOptions<T>['ref'],
    wakes: 'plan' | 'routes' | 'published',
    selectors: Pick<ReflectorOptions<T>, 'fieldSelector' | 'labelSelector'> = {},
  ): Reflector<T> => {
    const reflector = startReflector<T>({
      client,
      ref,
      signal,
      logger: log,
      clock,
      project: (object) => trusted<T>(slim(object)),
      ...selectors,
    });
    reflector.onChange(() => onChange(wakes));
    return reflector;
  };
  const host = start<HostInterface>(resources.hostInterfaces, 'plan', { fieldSelector: `metadata.name=${node}` });
  const networks = start<MultiNicNetwork>(resources.multiNicNetworks, 'plan');
  const cidrs = start<CIDR>(resources.cidrs, 'plan');
  const pools = start<IPPool>(resources.ipPools, 'published', { labelSelector: `${poolHostLabel}=${node}` });
  let slices: Reflector<CIDRSlice> | undefined;
  return {
    host,
    networks,
    cidrs,
    pools,
    slices: () => (slices ??= start<CIDRSlice>(resources.cidrSlices, 'routes')),
    synced: Promise.all([host.synced, networks.synced, cidrs.synced, pools.synced]).then(() => undefined),
  };
}
