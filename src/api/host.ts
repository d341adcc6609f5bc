import type { Address } from '../net/address.ts';
import type { InterfaceAddress, Prefix } from '../net/prefix.ts';
import type { Delegation, IpamMode, PodRoute } from './network.ts';

/** One NIC of a host's pool, as discovered (src/nic) or as its HostInterface says. */
export interface Nic {
  readonly name: string;
  /** What the ledger knows it by: PCI address, else MAC. */
  readonly key: string;
  readonly mac: string;
  readonly mtu: number;
  /** Administratively up and with carrier. */
  readonly up: boolean;
  /** Global addresses with the prefix of their network, IPv4 first, at most one per family used. */
  readonly addresses: readonly InterfaceAddress[];
  readonly linkLocal?: Address;
  readonly speedMbps?: number;
  readonly pciAddress?: string;
  readonly vendor?: string;
  readonly product?: string;
  readonly driver?: string;
  readonly numaNode?: number;
}

/** Whether two texts name one PCI device; the kernel writes its digits small, people do not always. */
export function samePci(a: string | undefined, b: string): boolean {
  return a?.toLowerCase() === b.toLowerCase();
}

/** The pair of revisions under which blocks are published; see ARCHITECTURE.md. */
export interface Revision {
  readonly network: number;
  readonly host: number;
}

/** A host's share of one rail. Prefix lists are parallel: one entry per family of the network, in the order of its subnets. */
export interface Block {
  readonly interfaceIndex: number;
  readonly interfaceName: string;
  readonly netAddresses: readonly Prefix[];
  readonly vlanCIDRs: readonly Prefix[];
  readonly podCIDRs: readonly Prefix[];
  /** Prefixes that touch podCIDRs and that no pod gets. */
  readonly excludes: readonly Prefix[];
  readonly draining: boolean;
}

/** What one host serves of one network: all that ADD needs, so that it needs no API. Cached on disk. */
export interface HostPlan extends Delegation {
  readonly network: string;
  readonly uid: string;
  readonly hostIndex: number;
  readonly revision: Revision;
  readonly draining: boolean;
  readonly ipam: IpamMode;
  readonly routed: boolean;
  readonly subnets: readonly Prefix[];
  readonly masterNets: readonly Prefix[];
  /** Routes that pods get; of a routed network the host's table has those with a gateway. Absent: none. */
  readonly routes?: readonly PodRoute[];
  /** Pods have a table for each interface, for what comes from its addresses. Absent: no. */
  readonly sourceRouting?: boolean;
  readonly blocks: readonly Block[];
}
