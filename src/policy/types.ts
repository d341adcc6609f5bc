import type { Block, Nic } from '../api/host.ts';
import type { Strategy } from '../api/network.ts';
import type { Prefix } from '../net/prefix.ts';

/** What the network says about the pool and the choice. */
export interface Policy {
  readonly network: string;
  readonly host: string;
  readonly strategy: Strategy;
  /** NIC networks of the pool; empty: all. */
  readonly masterNets: readonly Prefix[];
  /** NICs that cannot be had for another reason than select sees, by name. */
  readonly unavailable?: ReadonlyMap<string, Unavailable>;
}

/** Why a NIC cannot be had. */
export interface Unavailable {
  /** `is lent to pod default/trainer` */
  readonly reason: string;
  /** It ends by itself: the same ADD may succeed later. */
  readonly passing: boolean;
}

/** A NIC that the pod gets, with the block of its addresses. */
export interface Chosen {
  readonly nic: Nic;
  readonly block: Block;
  /** Of a network whose delegate takes devices: the one on that NIC. */
  readonly device?: string;
}

/** A device that kubelet gave to the pod. */
export interface PodDevice {
  readonly id: string;
  /** Name of the host NIC that it is, or that it is a virtual function of; absent: none that is known. */
  readonly nic?: string;
  /** The one that the runtime hands to this attachment: it comes before others. */
  readonly handed: boolean;
}

/** A NIC that it does not get, and why. */
export interface Rejected {
  readonly nic: string;
  readonly reason: string;
}

export type Selection =
  | { readonly ok: true; readonly chosen: readonly Chosen[]; readonly rejected: readonly Rejected[] }
  | { readonly ok: false; readonly code: number; readonly message: string; readonly rejected: readonly Rejected[] };
