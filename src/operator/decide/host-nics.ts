import type { Nic } from '../../api/host.ts';
import type { HostInterface, HostInterfaceSpec, NicStatus } from '../../api/kinds/hostinterface.ts';
import { type Address, NetError, parseAddress } from '../../net/address.ts';
import { containsAddress, type InterfaceAddress, parsePrefix } from '../../net/prefix.ts';

/**
 * A host's NICs as its HostInterface says, old singular fields included. What does not parse (a person may write these) is left out:
 * a NIC without an address is in no pool.
 */
export function nicsOf(spec: HostInterfaceSpec | undefined): Nic[] {
  return (spec?.interfaces ?? []).map(nicOf);
}

/** Reads a host's NICs, parsing each HostInterface once. */
export type NicsOf = (host: HostInterface) => readonly Nic[];

export function createNicsOf(): NicsOf {
  const known = new WeakMap<HostInterface, readonly Nic[]>();
  return (host) => {
    const before = known.get(host);
    if (before !== undefined) return before;
    const nics = nicsOf(host.spec);
    known.set(host, nics);
    return nics;
  };
}

function nicOf(status: NicStatus): Nic {
  const nets = status.netAddresses ?? (status.netAddress === undefined ? [] : [status.netAddress]);
  const ips = status.hostIPs ?? (status.hostIP === undefined ? [] : [status.hostIP]);
  const linkLocal = status.linkLocal === undefined ? undefined : lenient(() => parseAddress(status.linkLocal ?? ''));
  return {
    name: status.interfaceName,
    key: status.pciAddress ?? status.mac ?? status.interfaceName,
    mac: status.mac ?? '',
    mtu: status.mtu ?? 0,
    up: status.up ?? true,
    addresses: nets.flatMap((net, i) => interfaceAddress(net, ips[i]) ?? []),
    ...(linkLocal !== undefined && { linkLocal }),
    ...(status.speedMbps !== undefined && { speedMbps: status.speedMbps }),
    ...(status.pciAddress !== undefined && { pciAddress: status.pciAddress }),
    ...(status.vendor !== undefined && { vendor: status.vendor }),
    ...(status.product !== undefined && { product: status.product }),
    ...(status.driver !== undefined && { driver: status.driver }),
    ...(status.numaNode !== undefined && { numaNode: status.numaNode }),
  };
}

function interfaceAddress(net: string, ip: string | undefined): InterfaceAddress | undefined {
  if (ip === undefined) return undefined;
  return lenient(() => {
    const address: Address = parseAddress(ip);
    const prefix = parsePrefix(net);
    return containsAddress(prefix, address) ? { address, prefix } : undefined;
  });
}

function lenient<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof NetError) return undefined;
    throw error;
  }
}
