import type { Block, HostPlan } from '../../api/host.ts';
import { type IPPool, type PoolAllocation, poolHostLabel, poolNetworkLabel } from '../../api/kinds/ippool.ts';
import { apiVersion } from '../../api/schema.ts';
import { formatPrefix } from '../../net/prefix.ts';

/** What has been handed out of one block. */
export interface PoolUse {
  readonly capacity: bigint;
  readonly resting: number;
  readonly allocations: readonly PoolAllocation[];
}

/** Trouble with the host routes of the network, published only while it lasts. */
export interface RouteTrouble {
  /** ISO time. */
  readonly since: string;
  readonly message: string;
}

/** The predecessor's rule, `<network>-<podCIDR>` with `/` as `-`; the colons of IPv6 become `-`, doubled ones `-x-`. */
export function poolName(network: string, block: Block): string {
  const [first] = block.podCIDRs;
  const text = first === undefined ? `rail-${block.interfaceIndex}` : formatPrefix(first);
  const escaped = text.replace('::/', '-x/').replace('::', '-x-').replaceAll(':', '-').replace('/', '-');
  return `${network}-${escaped}`.replace(/-{2,}/g, '-').slice(0, 253);
}

/** The IPPool of one block as it shall stand; deterministic in its inputs. */
export function poolObject(
  hostName: string,
  plan: HostPlan,
  block: Block,
  use: PoolUse,
  trouble: RouteTrouble | undefined,
): IPPool {
  const [pod] = block.podCIDRs;
  const [vlan] = block.vlanCIDRs;
  return {
    apiVersion,
    kind: 'IPPool',
    metadata: {
      name: poolName(plan.network, block),
      labels: {
        ...(hostName.length <= 63 && { [poolHostLabel]: hostName }),
        ...(plan.network.length <= 63 && { [poolNetworkLabel]: plan.network }),
      },
    },
    spec: {
      ...(pod && { podCIDR: formatPrefix(pod) }),
      podCIDRs: block.podCIDRs.map(formatPrefix),
      ...(vlan && { vlanCIDR: formatPrefix(vlan) }),
      vlanCIDRs: block.vlanCIDRs.map(formatPrefix),
      netAttachDef: plan.network,
      networkUID: plan.uid,
      hostName,
      interfaceName: block.interfaceName,
      interfaceIndex: block.interfaceIndex,
      excludes: block.excludes.map(formatPrefix),
    },
    status: {
      capacity: String(use.capacity),
      allocated: use.allocations.length,
      resting: use.resting,
      allocations: [...use.allocations].sort((a, b) => (a.address < b.address ? -1 : 1)),
      ...(trouble && { outOfSyncSince: trouble.since, lastError: trouble.message }),
    },
  };
}
