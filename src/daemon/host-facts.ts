import type { HostFacts } from '../observe/daemon-metrics.ts';
import type { Readiness } from '../observe/readiness.ts';
import type { Store } from '../store/types.ts';
import type { AttachEngine } from './attach/engine.ts';
import type { ClusterLoops } from './cluster/cluster.ts';
import type { HostState } from './host-state.ts';
import { listSpool } from './spool/entry.ts';
import type { SpoolReplay } from './spool/replay.ts';

export interface FactSources {
  readonly state: HostState;
  readonly store: Store;
  readonly engine: AttachEngine;
  readonly cluster: ClusterLoops;
  readonly readiness: Readiness;
  readonly spool: SpoolReplay;
  readonly spoolDir: string;
  readonly bootId: string;
}

/** What /metrics tells of the host, looked up when it is asked. */
export async function hostFacts(sources: FactSources): Promise<HostFacts> {
  const { state, store, engine, cluster, readiness, spool, spoolDir, bootId } = sources;
  const { entries } = await listSpool(spoolDir, bootId);
  const plans = [...state.plans.values()];
  const attachments = new Map(plans.map(({ network }) => [network, 0]));
  for (const { key } of store.attachments.values()) {
    attachments.set(key.network, (attachments.get(key.network) ?? 0) + 1);
  }
  const pools = plans
    .filter(({ ipam }) => ipam.kind === 'pool')
    .flatMap(({ network, blocks }) =>
      blocks.map(({ interfaceIndex, interfaceName }) => {
        const { capacity, resting, allocations } = engine.poolUse(network, interfaceIndex);
        return { network, nic: interfaceName, held: allocations.length, resting, capacity };
      }),
    );
  const routes = new Map(cluster.routes().map(({ network, problems }) => [network, problems.length]));
  const { replayed, failed } = spool.counts();
  return {
    ready: readiness.reason() === undefined,
    busy: engine.busy(),
    nics: state.nics.filter(({ name }) => !store.lent.has(name)),
    lent: store.lent.size,
    attachments,
    pools,
    routes,
    spool: { waiting: entries.length, replayed, failed },
  };
}
