import type { Nic } from '../api/host.ts';
import type { SliceHost } from '../api/kinds/cidrslice.ts';
import type { ClaimStatus } from '../api/kinds/hostinterface.ts';
import type { Prefix } from '../net/prefix.ts';
import type { Layout } from './layout.ts';
import { compareNics, inPool, netKey, networksOf } from './nics.ts';
import type { Ledger, PlanHost } from './types.ts';

/** A NIC of the pool with what it is looked up by. */
export interface PoolNic {
  readonly nic: Nic;
  readonly nets: readonly Prefix[];
  readonly keys: readonly string[];
}

/** A host as the plan works with it. */
export interface Member {
  readonly host: PlanHost;
  /** Its entry in the ledger before this plan. */
  readonly entry: SliceHost | undefined;
  /** Its claim, if it is one of this network and not of a namesake before it. */
  readonly claim: ClaimStatus | undefined;
  /**
   * Its claim on a namesake before it that is not known to be empty: the network was made again (its CRD was, or it was deleted by force)
   * while pods kept their addresses.
   */
  readonly former: ClaimStatus | undefined;
  /** NICs of the pool, in key order. */
  readonly nics: readonly PoolNic[];
  /** Pods of it have addresses, as far as it has published. */
  readonly holds: boolean;
}

/** All hosts by name, in name order: the plan does not depend on the order in which hosts or NICs arrive. */
export function membersOf(layout: Layout, ledger: Ledger, uid: string, hosts: readonly PlanHost[]): Member[] {
  const entries = new Map(ledger.hosts.map((entry) => [entry.hostName, entry]));
  return [...hosts]
    .sort((a, b) => (a.hostName < b.hostName ? -1 : a.hostName > b.hostName ? 1 : 0))
    .map((host) => {
      const claim = host.claim?.uid === uid ? host.claim : undefined;
      const former = claim === undefined && host.claim?.acknowledged !== 'Empty' ? host.claim : undefined;
      return {
        host,
        entry: entries.get(host.hostName),
        claim,
        former,
        nics: host.nics
          .filter((nic) => inPool(nic, layout.masterNets))
          .sort(compareNics)
          .map(poolNic),
        holds: claim?.acknowledged === 'Stopped' || [...host.allocated.values()].some((count) => count > 0),
      };
    });
}

function poolNic(nic: Nic): PoolNic {
  const nets = networksOf(nic);
  return { nic, nets, keys: nets.map(netKey) };
}

/** The Node is gone, no pod of the host has an address and its daemon claims nothing. */
export function isGone({ host, claim, former, holds }: Member): boolean {
  return !host.nodeExists && !holds && former === undefined && (claim === undefined || claim.acknowledged === 'Empty');
}
