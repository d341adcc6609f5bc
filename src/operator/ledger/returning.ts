import type { Clock } from '../../kube/clock.ts';
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
}

export interface Awaited {
  /** By name. */
  readonly hosts: readonly string[];
  readonly ms: number;
}

/** A daemon looks again after 30 s at the latest, and writes after that. */
const returnMs = 60_000;

export function createReturning(
  caches: Pick<Caches, 'networks' | 'cidrs' | 'nodes' | 'hosts'>,
  clock: Clock,
): Returning {
  let until = Number.POSITIVE_INFINITY;
  /** Names whose ledger went, and until when their networks wait, counted from when there is such a network. */
  const lost = new Map<string, number>();
  caches.cidrs.onChange(({ key, new: now }) => {
    if (now === undefined) lost.set(key, clock.now() + returnMs);
  });
  caches.networks.onChange(({ key, old }) => {
    if (old === undefined && lost.has(key)) lost.set(key, clock.now() + returnMs);
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
  };
}
