import type { HostPlan } from '../../../src/api/host.ts';
import type { LinkKind, LinkMode } from '../../../src/api/network.ts';
import { firstAddress, parsePrefix, partOf, prefixOf } from '../../../src/net/prefix.ts';

/** A network that a host serves without any API: a quarter of each rail's block is the host's. */
export interface ServedNetwork {
  readonly network: string;
  /** IPv4, /16: sixteen rails of /20, the host has the second /24 of each. */
  readonly subnet: string;
  /** eth1 … */
  readonly nics: number;
  readonly linkKind?: LinkKind;
  readonly mode?: LinkMode;
  /** Bits that are cut off the first NIC's block: 7 leaves two addresses. */
  readonly firstShorterBy?: number;
}

/** The plan as a daemon would have made it. */
export function planOf(spec: ServedNetwork): HostPlan {
  const { network, nics, linkKind = 'macvlan', mode = 'bridge', firstShorterBy = 0 } = spec;
  const subnet = parsePrefix(spec.subnet);
  const blocks = Array.from({ length: nics }, (_, index) => {
    const rail = partOf(subnet, index, 4);
    const net = prefixOf(firstAddress(parsePrefix(`10.1.${index + 1}.0/24`)), 24);
    const whole = partOf(rail, 1, 4);
    return {
      interfaceIndex: index,
      interfaceName: `eth${index + 1}`,
      netAddresses: [net],
      vlanCIDRs: [rail],
      podCIDRs: [index === 0 ? partOf(whole, 0, firstShorterBy) : whole],
      excludes: [],
      draining: false,
    };
  });
  return {
    network,
    uid: `uid-${network}`,
    hostIndex: 1,
    revision: { network: 1, host: 1 },
    draining: false,
    pluginType: linkKind,
    binding: 'master',
    mode,
    ipam: { kind: 'pool' },
    routed: false,
    subnets: [subnet],
    masterNets: [],
    blocks,
  };
}
