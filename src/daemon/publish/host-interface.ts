import type { HostPlan, Nic } from '../../api/host.ts';
import type { RailEntry } from '../../api/kinds/cidr.ts';
import type { ClaimStatus, HostInterfaceSpec, NicStatus } from '../../api/kinds/hostinterface.ts';
import { formatAddress } from '../../net/address.ts';
import { formatPrefix } from '../../net/prefix.ts';

/** What the daemon says of one network it serves. */
export interface Claim {
  readonly plan: HostPlan;
  readonly rails: readonly RailEntry[];
  /** Addresses held on the network. */
  readonly held: number;
  /** Where no IPPools tell them. */
  readonly attachments?: number;
}

/** The spec that the daemon's HostInterface shall have; equal inputs give deep-equal output, so that nothing is written twice. */
export function hostInterfaceSpec(hostName: string, nics: readonly Nic[], claims: readonly Claim[]): HostInterfaceSpec {
  const interfaces = [...nics].sort((a, b) => (a.name < b.name ? -1 : 1)).map(nicStatus);
  const networks = [...claims].sort((a, b) => (a.plan.network < b.plan.network ? -1 : 1)).map(claimStatus);
  const serving = networks.filter(({ acknowledged }) => acknowledged === 'Serving');
  return {
    hostName,
    nics: nicsText(interfaces),
    serves: serving.map(({ name }) => name).join(','),
    interfaces,
    networks,
  };
}

/** Their names, for a column: one shows the first value of a list only. */
export function nicsText(interfaces: readonly NicStatus[]): string {
  return interfaces.map(({ interfaceName }) => interfaceName).join(',');
}

function nicStatus(nic: Nic): NicStatus {
  const [first] = nic.addresses;
  return {
    interfaceName: nic.name,
    ...(first && { netAddress: formatPrefix(first.prefix), hostIP: formatAddress(first.address) }),
    netAddresses: nic.addresses.map((entry) => formatPrefix(entry.prefix)),
    hostIPs: nic.addresses.map((entry) => formatAddress(entry.address)),
    mac: nic.mac,
    mtu: nic.mtu,
    up: nic.up,
    ...(nic.linkLocal && { linkLocal: formatAddress(nic.linkLocal) }),
    ...(nic.vendor !== undefined && { vendor: nic.vendor }),
    ...(nic.product !== undefined && { product: nic.product }),
    ...(nic.pciAddress !== undefined && { pciAddress: nic.pciAddress }),
    ...(nic.driver !== undefined && { driver: nic.driver }),
    ...(nic.speedMbps !== undefined && { speedMbps: nic.speedMbps }),
    ...(nic.numaNode !== undefined && { numaNode: nic.numaNode }),
  };
}

function claimStatus({ plan, rails, held, attachments }: Claim): ClaimStatus {
  return {
    name: plan.network,
    uid: plan.uid,
    hostIndex: plan.hostIndex,
    revision: { ...plan.revision },
    acknowledged: !plan.draining ? 'Serving' : held > 0 ? 'Stopped' : 'Empty',
    ...(attachments !== undefined && { attachments }),
    interfaces: plan.blocks.map((block) => ({
      interfaceIndex: block.interfaceIndex,
      netAddresses: block.netAddresses.map(formatPrefix),
      ordinal: rails.find((rail) => rail.interfaceIndex === block.interfaceIndex)?.ordinal ?? 0,
    })),
  };
}
