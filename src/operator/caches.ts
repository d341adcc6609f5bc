import type { CIDR } from '../api/kinds/cidr.ts';
import type { CIDRSlice } from '../api/kinds/cidrslice.ts';
import type { HostInterface } from '../api/kinds/hostinterface.ts';
import type { IPPool } from '../api/kinds/ippool.ts';
import type { MultiNicNetwork } from '../api/kinds/multinicnetwork.ts';
import type { KubeObject } from '../api/meta.ts';
import type { KubeClient } from '../kube/calls/client.ts';
import { trusted } from '../kube/calls/json.ts';
import { type ResourceRef, resources } from '../kube/calls/resource.ts';
import type { Clock } from '../kube/clock.ts';
import { type Reflector, startReflector } from '../kube/copy/reflector.ts';
import type { Logger } from '../kube/logger.ts';
import type { Readiness } from '../observe/readiness.ts';
import { type ByGroup, byGroup } from './by-group.ts';
import { equal } from './equal.ts';
import { isOurs, type Nad } from './nads/nad.ts';

/** A Node, as far as the operator cares: it exists, and has pods of its own network. */
export interface NodeFacts {
  readonly name: string;
  /** At most one per family. */
  readonly podCIDRs: readonly string[];
}

export interface NamespaceFacts {
  readonly name: string;
  readonly active: boolean;
}

/** An IPPool without the addresses: which attachments hold something in it. */
export interface PoolFacts {
  readonly name: string;
  readonly network: string;
  readonly uid: string;
  readonly hostName: string;
  readonly interfaceIndex: number;
  readonly allocated: number;
  /** containerID/ifname of each. */
  readonly attachments: readonly string[];
  readonly outOfSyncSince?: string;
  readonly lastError?: string;
}

/** The operator's copies of all that it decides on. */
export interface Caches {
  readonly networks: Reflector<MultiNicNetwork>;
  readonly hosts: Reflector<HostInterface>;
  readonly nodes: Reflector<NodeFacts>;
  readonly namespaces: Reflector<NamespaceFacts>;
  readonly nads: Reflector<Nad>;
  readonly cidrs: Reflector<CIDR>;
  readonly slices: Reflector<CIDRSlice>;
  readonly pools: Reflector<PoolFacts>;
  readonly slicesOf: ByGroup<CIDRSlice>;
  /** Slices in which the host holds an index. */
  readonly slicesWith: ByGroup<CIDRSlice>;
  readonly nadsOf: ByGroup<Nad>;
  readonly poolsOf: ByGroup<PoolFacts>;
  readonly poolsOn: ByGroup<PoolFacts>;
  /** Resolves once every copy is at least as new as the server was at the call. */
  catchUp(): Promise<void>;
  /** Resolves when the signal was aborted and all watches are closed. */
  readonly ended: Promise<void>;
}

export interface CacheOptions {
  readonly client: KubeClient;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Told which lists have not been read yet. */
  readonly readiness?: Readiness;
}

/** How long kinds that the server does not know (their CRDs are not there) are left alone at the most, ms: one asks for all hosts. */
export const missingMs = 10_000;

export function startCaches({ client, signal, logger, clock, readiness }: CacheOptions): Caches {
  const start = <T>(
    ref: ResourceRef,
    project: (object: KubeObject) => T,
    same?: (a: T, b: T) => boolean,
  ): Reflector<T> => {
    const reflector = startReflector({ client, ref, signal, logger, clock, missingMs, project, ...(same && { same }) });
    readiness?.set(ref.plural, 'not read yet');
    void reflector.synced.then(() => readiness?.set(ref.plural, undefined));
    return reflector;
  };
  const whole = <T extends KubeObject>(ref: ResourceRef): Reflector<T> => start<T>(ref, withoutManagedFields);

  const networks = whole<MultiNicNetwork>(resources.multiNicNetworks);
  const hosts = whole<HostInterface>(resources.hostInterfaces);
  const cidrs = whole<CIDR>(resources.cidrs);
  const slices = whole<CIDRSlice>(resources.cidrSlices);
  const nodes = start(resources.nodes, nodeFacts, equal);
  const namespaces = start(resources.namespaces, namespaceFacts, equal);
  const nads = start(resources.networkAttachmentDefinitions, nadFacts);
  const pools = start(resources.ipPools, poolFacts, equal);
  const all = [networks, hosts, cidrs, slices, nodes, namespaces, nads, pools];
  return {
    networks,
    hosts,
    nodes,
    namespaces,
    nads,
    cidrs,
    slices,
    pools,
    slicesOf: byGroup(slices, ({ spec }) => (spec === undefined ? [] : [spec.network])),
    slicesWith: byGroup(slices, ({ spec }) => (spec?.hosts ?? []).map((host) => host.hostName)),
    nadsOf: byGroup(nads, ({ metadata }) => [metadata.name]),
    poolsOf: byGroup(pools, (pool) => [pool.network]),
    poolsOn: byGroup(pools, (pool) => [pool.hostName]),
    catchUp: async () => {
      await Promise.all(all.map((reflector) => reflector.catchUp()));
    },
    ended: Promise.all(all.map((reflector) => reflector.ended)).then(() => undefined),
  };
}

/** managedFields are a third of an object, and nobody here reads them. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as `trusted`: the caller names the resource's type
function withoutManagedFields<T extends KubeObject>(object: KubeObject): T {
  const metadata: Record<string, unknown> = { ...object.metadata };
  delete metadata['managedFields'];
  return trusted<T>({ ...object, metadata });
}

/** Of a NAD that is not ours nothing but its existence matters. */
function nadFacts(object: KubeObject): Nad {
  const nad = withoutManagedFields<Nad>(object);
  return isOurs(nad) ? nad : { apiVersion: nad.apiVersion, kind: nad.kind, metadata: nad.metadata };
}

function nodeFacts(object: KubeObject): NodeFacts {
  const { metadata, spec } = trusted<KubeObject<{ podCIDRs?: string[] }>>(object);
  return { name: metadata.name, podCIDRs: spec?.podCIDRs ?? [] };
}

function namespaceFacts(object: KubeObject): NamespaceFacts {
  const { status, metadata } = trusted<KubeObject<unknown, { phase?: string }>>(object);
  const active = metadata.deletionTimestamp === undefined && status?.phase !== 'Terminating';
  return { name: metadata.name, active };
}

function poolFacts(object: KubeObject): PoolFacts {
  const { metadata, spec, status } = trusted<IPPool>(object);
  return {
    name: metadata.name,
    network: spec?.netAttachDef ?? '',
    uid: spec?.networkUID ?? '',
    hostName: spec?.hostName ?? '',
    interfaceIndex: spec?.interfaceIndex ?? 0,
    allocated: status?.allocated ?? 0,
    attachments: (status?.allocations ?? []).map((one) => `${one.containerID}/${one.ifname}`),
    ...(status?.outOfSyncSince !== undefined && { outOfSyncSince: status.outOfSyncSince }),
    ...(status?.lastError !== undefined && { lastError: status.lastError }),
  };
}
