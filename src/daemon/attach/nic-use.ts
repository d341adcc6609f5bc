import type { Delegation } from '../../api/network.ts';
import type { HeldMaster } from '../../store/types.ts';

/** Whether a pod has its NIC alone: the NIC moves into it, or the kernel allows one child only (macvlan passthru). */
export function isExclusive({ binding, mode }: Delegation): boolean {
  return binding === 'device' || binding === 'deviceID' || mode === 'passthru';
}

/** How an attachment of a network uses a NIC, as the store holds it; undefined when it does not touch the NIC at all. */
export function masterOf(delegation: Delegation, nic: string): HeldMaster | undefined {
  if (delegation.binding === 'none') return undefined;
  const { pluginType, mode = '' } = delegation;
  return { nic, kind: pluginType, mode, exclusive: isExclusive(delegation) };
}
