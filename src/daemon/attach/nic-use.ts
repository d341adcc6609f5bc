import type { Nic } from '../../api/host.ts';
import type { Delegation } from '../../api/network.ts';
import type { HeldMaster } from '../../store/types.ts';

/** Whether a pod has its NIC alone: the NIC moves into it, or the kernel allows one child only (macvlan passthru). */
export function isExclusive({ binding, mode }: Delegation): boolean {
  return binding === 'device' || binding === 'deviceID' || mode === 'passthru';
}

/**
 * How an attachment of a network uses a NIC, as the store holds it; undefined when it does not touch the NIC at all. A device is held
 * under its own id, unless it is the NIC itself.
 */
export function masterOf(
  delegation: Delegation,
  { nic, device }: { readonly nic: Pick<Nic, 'name' | 'pciAddress'>; readonly device?: string },
): HeldMaster | undefined {
  if (delegation.binding === 'none') return undefined;
  const { pluginType, mode = '' } = delegation;
  const held = device === undefined || device === nic.pciAddress ? nic.name : device;
  return { nic: held, kind: pluginType, mode, exclusive: isExclusive(delegation) };
}
