import type { SliceHost } from '../../api/kinds/cidrslice.ts';
import type { ClaimStatus, PublishedNetwork } from '../../api/kinds/hostinterface.ts';
import type { MultiNicNetwork, MultiNicNetworkStatus } from '../../api/kinds/multinicnetwork.ts';
import { readLedger } from '../../ipam/ledger.ts';
import type { Ledger, PlanHost } from '../../ipam/types.ts';
import type { Caches, PoolFacts } from '../caches.ts';
import type { Context } from '../context.ts';

/** One host with all that one network has on it. */
export interface HostView extends PlanHost {
  /** The network's entry in HostInterface.status; of this uid. */
  readonly published?: PublishedNetwork;
  /** Its entry in the ledger. */
  readonly entry?: SliceHost;
  readonly pools: readonly PoolFacts[];
  /** Attachments that hold an address of the network here. */
  readonly attachments: number;
}

/** What is known of one network and its hosts. */
export interface NetworkView {
  readonly object: MultiNicNetwork;
  readonly ledger: Ledger;
  /** By name. */
  readonly hosts: readonly HostView[];
}

/** The view of a network, with nobody taken for gone whose Node is only missing in our copy. @throws ApiError when that cannot be asked */
export async function certainViewOf(context: Context, object: MultiNicNetwork): Promise<NetworkView> {
  const view = viewOf(object, context);
  const doubtful = view.hosts.map((host) => host.hostName).filter((name) => !context.caches.nodes.has(name));
  if (doubtful.length === 0) return view;
  await context.goneNodes.check(doubtful);
  // Time has passed: what is decided on is what is known now.
  return viewOf(object, context);
}

/** Gathers a network's view: all hosts, whether they have a NIC on it or not, and those that only the ledger knows. */
function viewOf(object: MultiNicNetwork, { caches, nicsOf, goneNodes }: Context): NetworkView {
  const { name, uid = '' } = object.metadata;
  const hosts = new Map(caches.hosts.list().map((host) => [host.metadata.name, host]));
  const claims = new Map<string, ClaimStatus>();
  for (const [hostName, host] of hosts) {
    const claim = host.spec?.networks?.find((one) => one.name === name);
    if (claim !== undefined) claims.set(hostName, claim);
  }
  const ledger = ledgerOf(name, uid, caches, claims);
  const entries = new Map(ledger.hosts.map((entry) => [entry.hostName, entry]));
  const pools = Map.groupBy(
    caches.poolsOf.of(name).filter((pool) => pool.uid === uid),
    (pool) => pool.hostName,
  );
  const names = new Set([...hosts.keys(), ...entries.keys(), ...pools.keys()]);
  return {
    object,
    ledger,
    hosts: [...names].sort().map((hostName) => {
      const host = hosts.get(hostName);
      const claim = claims.get(hostName);
      const entry = entries.get(hostName);
      const published = host?.status?.networks?.find((one) => one.name === name && one.uid === uid);
      const own = pools.get(hostName) ?? [];
      return {
        hostName,
        nodeExists: !goneNodes.has(hostName),
        nics: host === undefined ? [] : nicsOf(host),
        ...(claim !== undefined && { claim }),
        allocated: new Map(own.map((pool) => [pool.interfaceIndex, pool.allocated])),
        ...(published !== undefined && { published }),
        ...(entry !== undefined && { entry }),
        pools: own,
        attachments: countOf(own, claim, uid),
      };
    }),
  };
}

/** By the host's IPPools; where another IPAM plugin gives the addresses, there are none, and the daemon says a number. */
function countOf(pools: readonly PoolFacts[], claim: ClaimStatus | undefined, uid: string): number {
  const claimed = claim?.uid === uid ? (claim.attachments ?? 0) : 0;
  return Math.max(claimed, new Set(pools.flatMap((pool) => pool.attachments)).size);
}

/** The ledger of that very network: one of a network that had the name before is not read. */
function ledgerOf(name: string, uid: string, caches: Caches, claims: ReadonlyMap<string, ClaimStatus>): Ledger {
  const cidr = caches.cidrs.get(name);
  const slices = caches.slicesOf.of(name).filter((slice) => slice.spec?.uid === uid);
  const own = [...claims].filter(([, claim]) => claim.uid === uid);
  const claimed = new Map(own.map(([hostName, claim]) => [hostName, claim.hostIndex]));
  return readLedger(cidr?.spec?.config?.uid === uid ? cidr : undefined, slices, claimed);
}

/** The counts that the status shows, for a network whose hosts have these assignments. */
export function discoveryOf(
  hosts: readonly HostView[],
  withBlock: number,
): NonNullable<MultiNicNetworkStatus['discovery']> {
  const present = hosts.filter((host) => host.nodeExists);
  return {
    existDaemon: present.length,
    infoAvailable: present.filter((host) => host.nics.length > 0).length,
    cidrProcessed: withBlock,
  };
}
