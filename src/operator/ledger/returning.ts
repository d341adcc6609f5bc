import type { CIDR } from '../../api/kinds/cidr.ts';
import type { Clock } from '../../kube/clock.ts';
import { remember } from '../../kube/remember.ts';
import type { Caches } from '../caches.ts';

/**
 * Hosts that may hold indexes of which nobody knows. The ledger says who holds what; where it is lost (the CRDs were deleted and applied
 * again, somebody deleted it) the daemons' claims do, and a host whose HostInterface is not back yet would lose its index to one that is.
 */
export interface Returning {
  /** Work begins: what was lost before is not known. */
  begin(): void;
  /**
   * The Nodes without HostInterface that a network without ledger has to wait for, and for how long; undefined: for nobody (more).
   * A network whose name never had a ledger waits only if the operator has just begun.
   */
  awaited(network: string): Awaited | undefined;
  /** That ledger is about to be deleted, and nobody holds an index of it any more: that it goes is no loss. */
  settled(ledger: CIDR): void;
}

export interface Awaited {
  /** By name. */
  readonly hosts: readonly string[];
  readonly ms: number;
}

/** A daemon looks again after 30 s at the latest, and writes after that. */
const returnMs = 60_000;

/** Names that are remembered while nobody knows whether a network comes back under them; the oldest are forgotten. */
const mostLost = 1_000;

/** What it follows, of the operator's copies. */
export interface Followed {
  readonly networks: Pick<Caches['networks'], 'onChange'>;
  readonly cidrs: Pick<Caches['cidrs'], 'onChange' | 'get'>;
  readonly nodes: Pick<Caches['nodes'], 'keys'>;
  readonly hosts: Pick<Caches['hosts'], 'has'>;
}

export function createReturning(caches: Followed, clock: Clock): Returning {
  let until = Number.POSITIVE_INFINITY;
  /** Names whose ledger went, and until when their networks wait, counted from when there is such a network. */
  const lost = new Map<string, number>();
  /** Ledgers that go by our own hand, by uid, until they have gone. */
  const leaving = new Set<string>();
  caches.cidrs.onChange(({ key, old, new: now }) => {
    const uid = old?.metadata.uid;
    const ours = uid !== undefined && uid !== now?.metadata.uid && leaving.delete(uid);
    // A ledger says itself who holds what: the question is decided.
    if (now !== undefined) lost.delete(key);
    else if (!ours) remember(lost, key, clock.now() + returnMs, mostLost);
  });
  caches.networks.onChange(({ key, old }) => {
    if (old === undefined && lost.has(key)) remember(lost, key, clock.now() + returnMs, mostLost);
  });
  return {
    begin: () => {
      until = clock.now() + returnMs;
    },
    awaited: (network) => {
      const ms = Math.max(until, lost.get(network) ?? Number.NEGATIVE_INFINITY) - clock.now();
      if (ms <= 0) return undefined;
      const hosts = caches.nodes.keys().filter((name) => !caches.hosts.has(name));
      return hosts.length === 0 ? undefined : { hosts: hosts.sort(), ms };
    },
    settled: ({ metadata: { name, uid } }) => {
      if (uid !== undefined && caches.cidrs.get(name)?.metadata.uid === uid) leaving.add(uid);
    },
  };
}
