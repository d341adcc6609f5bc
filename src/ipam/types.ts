import type { Nic } from '../api/host.ts';
import type { CIDRSpec, RailEntry } from '../api/kinds/cidr.ts';
import type { CIDRSliceSpec, SliceHost } from '../api/kinds/cidrslice.ts';
import type { ClaimStatus, PublishedNetwork } from '../api/kinds/hostinterface.ts';
import type { Network } from '../api/network.ts';

/** Plan inputs as the ledger freezes them. */
export type LedgerConfig = NonNullable<CIDRSpec['config']>;

/** A network's ledger, whole: what its CIDR and its CIDRSlices say, lists sorted by index. */
export interface Ledger {
  /** Absent before the first plan. */
  readonly config?: LedgerConfig;
  readonly revision: number;
  readonly rails: readonly RailEntry[];
  readonly releasedRails: NonNullable<CIDRSpec['releasedInterfaces']>;
  readonly hosts: readonly SliceHost[];
  readonly released: NonNullable<CIDRSliceSpec['released']>;
}

/** One host as the operator sees it. */
export interface PlanHost {
  readonly hostName: string;
  /** False: the Node object is gone, its index goes back when nothing is held. */
  readonly nodeExists: boolean;
  readonly nics: readonly Nic[];
  /** What its daemon says that it serves of this network. */
  readonly claim?: ClaimStatus;
  /** Addresses that its IPPools of this network say are in use, by interface index. */
  readonly allocated: ReadonlyMap<number, number>;
  /** What its HostInterface.status says of this network: tells which NIC was first when a second one joins its network. */
  readonly published?: PublishedNetwork;
}

/** Why something could not be planned; reasons are those of the Planned condition. */
export interface PlanProblem {
  readonly reason:
    | 'BitsDoNotFit'
    | 'NoUsableAddress'
    | 'InterfaceIndexesExhausted'
    | 'HostIndexesExhausted'
    | 'IndexConflict'
    | 'HostAddressConflict'
    | 'WouldRenumber'
    | 'NoHosts';
  readonly message: string;
  readonly hostName?: string;
}

export interface PlanInput {
  readonly network: Network;
  readonly ledger: Ledger;
  readonly hosts: readonly PlanHost[];
  /** ms since the epoch. */
  readonly now: number;
}

export interface PlanOutput {
  readonly ledger: Ledger;
  /** What HostInterface.status of each host shall say of this network; hosts without a NIC on it are absent. */
  readonly assignments: ReadonlyMap<string, PublishedNetwork>;
  readonly problems: readonly PlanProblem[];
}
