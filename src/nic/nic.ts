import type { Nic } from '../api/host.ts';
import type { Link, LinkAddress } from '../kernel/types.ts';

/** What sysfs says of a link; absent where it says nothing. */
export interface DeviceFacts {
  /** Whether a device lies below the link at all. */
  readonly present: boolean;
  readonly speedMbps?: number;
  /** 0000:18:00.0 */
  readonly pciAddress?: string;
  /** Four hex digits, lower case. */
  readonly vendor?: string;
  readonly product?: string;
  readonly driver?: string;
  readonly numaNode?: number;
}

/** A NIC from its link and its device. Addresses that are tentative, temporary, secondary or deprecated do not count. */
export function nicOf(link: Link, facts: DeviceFacts): Nic {
  const { present: _present, ...device } = facts;
  const lasting = link.addresses.filter((entry) => !entry.tentative && !entry.transient);
  const linkLocal = lasting.find((entry) => entry.address.family === 6 && entry.scope === 'link');
  return {
    name: link.name,
    key: facts.pciAddress ?? link.mac,
    mac: link.mac,
    mtu: link.mtu,
    up: link.up && link.carrier,
    addresses: [firstGlobal(lasting, 4), firstGlobal(lasting, 6)].filter((entry) => entry !== undefined),
    ...(linkLocal === undefined ? {} : { linkLocal: linkLocal.address }),
    ...device,
  };
}

function firstGlobal(entries: readonly LinkAddress[], family: 4 | 6): Nic['addresses'][number] | undefined {
  const found = entries.find((entry) => entry.scope === 'global' && entry.address.family === family);
  return found === undefined ? undefined : { address: found.address, prefix: found.prefix };
}

/**
 * Reads the facts of one link through `read`, which reads a text below /sys (undefined: absent). A virtio or auxiliary
 * device sits on a PCI device: then that one counts.
 */
export function deviceFacts(name: string, read: (path: string) => string | undefined): DeviceFacts {
  const base = `class/net/${name}`;
  const own = read(`${base}/device/uevent`);
  const speed = numberOf(read(`${base}/speed`));
  const speedPart = speed !== undefined && speed > 0 ? { speedMbps: speed } : {};
  if (own === undefined) return { present: false, ...speedPart };
  const device = variables(own);
  const onPci = device.has('PCI_SLOT_NAME');
  const pci = onPci ? device : variables(read(`${base}/device/../uevent`) ?? '');
  const at = onPci ? `${base}/device` : `${base}/device/..`;
  const numa = numberOf(read(`${at}/numa_node`));
  const [vendor, product] = (pci.get('PCI_ID') ?? '').toLowerCase().split(':');
  const pciAddress = pci.get('PCI_SLOT_NAME');
  const driver = device.get('DRIVER');
  return {
    present: true,
    ...speedPart,
    ...(pciAddress === undefined ? {} : { pciAddress }),
    ...(vendor === undefined || vendor === '' ? {} : { vendor }),
    ...(product === undefined ? {} : { product }),
    ...(driver === undefined ? {} : { driver }),
    // -1: the machine has no NUMA nodes.
    ...(numa === undefined || numa < 0 ? {} : { numaNode: numa }),
  };
}

function variables(uevent: string): Map<string, string> {
  return new Map(
    uevent
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}
