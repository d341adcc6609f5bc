import type { CniResult } from '../../cni/types.ts';

/** One entry of the network-status annotation. */
export interface NetworkStatus {
  readonly name: string;
  readonly interface: string;
  /** Without prefix lengths. */
  readonly ips: readonly string[];
  readonly mac?: string;
  readonly mtu?: number;
  readonly dns: Readonly<Record<string, unknown>>;
  readonly gateway?: readonly string[];
}

/**
 * The entries of one attachment, as Multus from 4.1 on writes them: one per interface with a sandbox, addresses by
 * `ips[].interface`; of a result with exactly one interface, one entry with all addresses.
 * @param name namespace/definition
 */
export function networkStatus(name: string, result: CniResult): NetworkStatus[] {
  const gateways = result.routes.flatMap(({ dst, gw }) => (isDefault(dst) && gw !== undefined ? [gw] : []));
  const shared = { dns: result.dns, ...(gateways.length > 0 && { gateway: gateways }) };
  const inPod = result.interfaces
    .map((link, index) => ({ link, index }))
    .filter(({ link }) => (link.sandbox ?? '') !== '');
  const last = inPod.at(-1)?.index;
  const entries = result.interfaces.length === 1 ? [{ link: result.interfaces[0], index: 0 }] : inPod;
  return entries.flatMap(({ link, index }) => {
    if (link === undefined) return [];
    const mine = result.ips.filter((ip) => result.interfaces.length === 1 || (ip.interface ?? last) === index);
    return [
      {
        name,
        interface: link.name,
        ips: mine.map((ip) => ip.address.split('/')[0] ?? ''),
        ...(link.mac !== undefined && { mac: link.mac }),
        ...(link.mtu !== undefined && { mtu: link.mtu }),
        ...shared,
      },
    ];
  });
}

function isDefault(dst: string): boolean {
  return dst === '0.0.0.0/0' || dst === '::/0';
}
