import { type Nic, samePci } from '../../../api/host.ts';
import type { Delegation } from '../../../api/network.ts';
import type { HeldMaster } from '../../../store/types.ts';

/** A NIC, or a device on it. */
interface Used {
  readonly nic: Pick<Nic, 'name' | 'pciAddress'>;
  readonly device?: string;
}

/** Whether a pod has its NIC alone: the NIC moves into it, or the kernel allows one child only (macvlan passthru). */
export function isExclusive({ binding, mode }: Delegation): boolean {
  return binding === 'device' || binding === 'deviceID' || mode === 'passthru';
}

/**
 * How an attachment of a network uses a NIC, as the store holds it; undefined when it does not touch the NIC at all. A device is held
 * under its own id, unless it is the NIC itself.
 */
export function masterOf(delegation: Delegation, { nic, device }: Used): HeldMaster | undefined {
  if (delegation.binding === 'none') return undefined;
  const { pluginType, mode = '' } = delegation;
  return {
    nic: heldName({ nic, ...(device && { device }) }),
    kind: pluginType,
    mode,
    exclusive: isExclusive(delegation),
  };
}

/** What the store calls a NIC, or a device on it. */
export function heldName({ nic, device }: Used): string {
  return device === undefined || samePci(nic.pciAddress, device) ? nic.name : device;
}
