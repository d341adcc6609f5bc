import type { PodRef } from '../../cni/types.ts';

/** A device that kubelet gave to a pod. */
export interface GivenDevice {
  /** `openshift.io/netb` */
  readonly resource: string;
  /** As the device plugin names it: of NICs the PCI address, or the name of an auxiliary device. */
  readonly id: string;
}

/** All devices of a pod, of whatever resource. @throws Error when kubelet cannot be asked */
export type DevicesOf = (pod: PodRef) => Promise<readonly GivenDevice[]>;
