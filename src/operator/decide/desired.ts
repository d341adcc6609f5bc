import type { PublishedNetwork } from '../../api/kinds/hostinterface.ts';
import { equal } from '../equal.ts';

/** By host: what its HostInterface.status shall say of one network. */
export type Assignments = ReadonlyMap<string, PublishedNetwork>;

/**
 * What the network controller has decided (and written into the ledger), for the host controller to publish: a host that is in
 * several networks is written once.
 */
export interface Desired {
  /** Hosts whose entry differs from before. */
  set(network: string, assignments: Assignments): string[];
  /** Hosts that had one. */
  forget(network: string): string[];
  /** Undefined: nothing has been decided of that network since the start. */
  of(network: string): Assignments | undefined;
  /** Names of the networks of which something was decided. */
  networks(): string[];
}

export function createDesired(): Desired {
  const byNetwork = new Map<string, Assignments>();
  return {
    set: (network, assignments) => {
      const before = byNetwork.get(network);
      byNetwork.set(network, assignments);
      const hosts = new Set([...(before?.keys() ?? []), ...assignments.keys()]);
      return [...hosts].filter((host) => !equal(before?.get(host), assignments.get(host)));
    },
    forget: (network) => {
      const before = byNetwork.get(network);
      byNetwork.delete(network);
      return [...(before?.keys() ?? [])];
    },
    of: (network) => byNetwork.get(network),
    networks: () => [...byNetwork.keys()],
  };
}

/**
 * The networks of one host's status as they shall stand, by name. A network of which nothing has been decided yet (the operator has
 * just started, or its spec is refused) keeps its entry.
 */
export function composeNetworks(
  host: string,
  existing: readonly PublishedNetwork[],
  desired: Desired,
): PublishedNetwork[] {
  const entries = new Map<string, PublishedNetwork>();
  for (const entry of existing) {
    if (desired.of(entry.name) === undefined) entries.set(entry.name, entry);
  }
  for (const name of desired.networks()) {
    const entry = desired.of(name)?.get(host);
    if (entry !== undefined) entries.set(name, entry);
  }
  return [...entries.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
