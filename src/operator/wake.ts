import type { HostInterface } from '../api/kinds/hostinterface.ts';
import type { MultiNicNetwork } from '../api/kinds/multinicnetwork.ts';
import type { Change } from '../kube/copy/cache.ts';
import type { Context } from './context.ts';
import { equal } from './equal.ts';

/** How long what pods hold may be older in a network's status than in its IPPools. */
const countsLagMs = 1_000;
/** A network rests for so many times as long as its last reconcile took before hosts' changes are looked at, … */
const restFactor = 2;
/** … but no longer than this. */
const longestWaitMs = 1_000;

/** Says, for every change of every object, which keys have to be looked at: as few as possible, never too few. */
export function wakeOnChange({ caches, queues, reconcileMs }: Context): void {
  const network = (name: string | undefined): void => {
    if (name !== undefined && name !== '') queues.network.add(name);
  };
  /** Exists and is not being deleted. */
  const isServed = (name: string): boolean => {
    const object = caches.networks.get(name);
    return object !== undefined && object.metadata.deletionTimestamp === undefined;
  };
  /** Many hosts say something at the same time: what they say is looked at together, so that it takes a share of the time only. */
  const soon = (name: string): void => {
    if (isServed(name))
      queues.network.addAfter(name, Math.min(longestWaitMs, restFactor * (reconcileMs.get(name) ?? 0)));
    else network(name);
  };
  const allNetworks = (): void => {
    for (const name of caches.networks.keys()) queues.network.add(name);
  };

  /** Networks that wait for the cluster to leave their subnet. */
  const refusedForCluster = (): string[] =>
    caches.networks
      .list()
      .filter(({ status }) => status?.conditions?.some(({ reason }) => reason === 'OverlapsClusterNetwork'))
      .map(({ metadata }) => metadata.name);

  caches.networks.onChange((change) => {
    if (!concernsSpec(change)) return;
    queues.network.add(change.key);
    // The others are judged beside it: what it held may be free, what it wants may be taken.
    if (change.old === undefined || change.new === undefined) allNetworks();
    else if (!equal(change.old.spec, change.new.spec)) allNetworks();
  });
  caches.hosts.onChange((change) => {
    queues.host.add(change.key);
    if (nicsDiffer(change)) for (const name of caches.networks.keys()) soon(name);
    for (const name of networksThatDiffer(change, 'spec')) soon(name);
    // What we publish ourselves is news only where its arrival is waited for; what others change there the host controller puts back.
    for (const name of networksThatDiffer(change, 'status')) if (!isServed(name)) network(name);
  });
  caches.nodes.onChange(({ key, old, new: now }) => {
    for (const name of refusedForCluster()) network(name);
    if (old !== undefined && now !== undefined) return;
    queues.host.add(key);
    if (caches.hosts.has(key) || caches.slicesWith.has(key)) allNetworks();
  });
  caches.namespaces.onChange(({ key }) => queues.namespace.add(key));
  caches.nads.onChange(({ old, new: now }) => {
    const name = (now ?? old)?.metadata.name;
    if (name !== undefined && caches.networks.has(name)) network(name);
  });
  caches.cidrs.onChange(({ key, old, new: now }) => {
    network(key);
    if (old === undefined || now === undefined) allNetworks();
  });
  caches.slices.onChange(({ old, new: now }) => {
    network((now ?? old)?.spec?.network);
    const holders = [...(old?.spec?.hosts ?? []), ...(now?.spec?.hosts ?? [])];
    // A host whose Node is gone goes with its last index.
    for (const { hostName } of holders) if (!caches.nodes.has(hostName)) queues.host.add(hostName);
  });
  caches.pools.onChange(({ old, new: now }) => {
    const pool = now ?? old;
    // Counts may lag: thousands of daemons publish all the time. A deletion waits for exactly this.
    if (pool !== undefined && isServed(pool.network)) queues.network.addAfter(pool.network, countsLagMs);
    else network(pool?.network);
    if (pool !== undefined && !caches.nodes.has(pool.hostName)) queues.host.add(pool.hostName);
  });
}

/** Our own status writes wake nobody. */
function concernsSpec({ old, new: now }: Change<MultiNicNetwork>): boolean {
  if (old === undefined || now === undefined) return true;
  const { resourceVersion: _old, generation: _oldGeneration, ...before } = old.metadata;
  const { resourceVersion: _new, generation: _newGeneration, ...after } = now.metadata;
  return !equal(before, after) || !equal(old.spec, now.spec);
}

function nicsDiffer({ old, new: now }: Change<HostInterface>): boolean {
  return !equal(old?.spec?.interfaces, now?.spec?.interfaces);
}

/** Networks whose claim or publication differs. */
function networksThatDiffer({ old, new: now }: Change<HostInterface>, part: 'spec' | 'status'): Set<string> {
  const names = new Set<string>();
  const before = new Map((old?.[part]?.networks ?? []).map((one) => [one.name, one]));
  const after = new Map((now?.[part]?.networks ?? []).map((one) => [one.name, one]));
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    if (!equal(before.get(name), after.get(name))) names.add(name);
  }
  return names;
}
