import type { Delegation } from '../../api/network.ts';
import { isIpamKey } from '../../cni/ipam-caller.ts';
import type { AttachmentKey } from '../../cni/types.ts';
import type { HeldAddress, HeldMaster } from '../../store/types.ts';
import { masterOf } from '../attach/reserve/nic-use.ts';

/**
 * The NICs that an attachment uses whose record was lost, from its addresses and from what its network makes of NICs: so that a NIC
 * that one pod has alone stays that pod's, and all users of a NIC agree. Who only asked for addresses uses none; devices on NICs are
 * not to be had so: which of them it was stands nowhere.
 * @param delegation of the network; undefined where it is not known (any more)
 */
export function mastersOf(
  key: AttachmentKey,
  delegation: Delegation | undefined,
  addresses: readonly HeldAddress[],
): HeldMaster[] {
  if (delegation === undefined || delegation.binding === 'deviceID' || isIpamKey(key)) return [];
  const names = new Set(addresses.map(({ nic }) => nic).filter((nic) => nic !== ''));
  return [...names].flatMap((name) => masterOf(delegation, { nic: { name } }) ?? []);
}
