import { type Nic, samePci } from '../../api/host.ts';

/**
 * The NIC of the pool that a device is, or is a part of: a virtual function's physical function, an auxiliary device's parent; a virtual
 * function whose physical function is not seen (in a virtual machine), or is not in the pool, counts for itself.
 * @param read a text below /sys; undefined: absent
 */
export function nicOf(
  device: string,
  nics: readonly Nic[],
  read: (path: string) => string | undefined,
): Nic | undefined {
  if (!isName(device)) return undefined;
  const addresses = [
    pciAddress(read(`bus/pci/devices/${device}/physfn/uevent`)),
    pciAddress(read(`bus/auxiliary/devices/${device}/../uevent`)),
    device,
  ];
  for (const address of addresses) {
    const nic = address === undefined ? undefined : nics.find((one) => samePci(one.pciAddress, address));
    if (nic !== undefined) return nic;
  }
  return undefined;
}

/** It becomes part of a path. */
function isName(device: string): boolean {
  return /^[A-Za-z0-9][\w.:-]*$/.test(device);
}

function pciAddress(uevent: string | undefined): string | undefined {
  return /^PCI_SLOT_NAME=(.+)$/m.exec(uevent ?? '')?.[1];
}
