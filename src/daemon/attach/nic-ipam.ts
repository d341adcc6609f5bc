import { CniError, code } from '../../api/cni-error.ts';
import type { Block, HostPlan } from '../../api/host.ts';
import type { ContainerCall } from '../../cni/types.ts';
import type { ChosenNic } from '../../delegates/plan.ts';
import type { Chosen } from '../../policy/select.ts';
import type { PoolBook, Reserved } from './pools.ts';

/** The IPAM configuration that the network gives a NIC; undefined where addresses come from our blocks. */
function ipamOf({ ipam }: HostPlan, nic: string): Readonly<Record<string, unknown>> | undefined {
  if (ipam.kind === 'each') return ipam.config;
  return ipam.kind === 'per-master' && Object.hasOwn(ipam.configs, nic) ? ipam.configs[nic] : undefined;
}

/** What a NIC's delegate is asked for. */
export function nicCall(plan: HostPlan, nic: string, ifname: string, addresses: ChosenNic['addresses']): ChosenNic {
  const ipam = ipamOf(plan, nic);
  return { nic, ifname, addresses, ...(ipam === undefined ? {} : { ipam }) };
}

/** Blocks of the NICs that a pod may get: of a network with a configuration for each NIC, those that have one. */
export function usableBlocks(plan: HostPlan): readonly Block[] {
  if (plan.ipam.kind !== 'per-master') return plan.blocks;
  return plan.blocks.filter(({ interfaceName }) => ipamOf(plan, interfaceName) !== undefined);
}

/**
 * Addresses for the chosen NICs: from our pools, or none here where an IPAM plugin gives them.
 * @throws CniError as PoolBook.reserve; 102 for requested addresses that are not ours to give
 */
export function reserveFor(pools: PoolBook, plan: HostPlan, chosen: readonly Chosen[], call: ContainerCall): Reserved {
  const { ips } = call.conf.request;
  const rails = chosen.map(({ block }) => block.interfaceIndex);
  if (plan.ipam.kind === 'pool') return pools.reserve(plan, rails, ips);
  if (ips.length > 0) {
    throw new CniError(
      code.unsatisfiable,
      `network ${plan.network}: the pod asks for ${ips.join(', ')}, but addresses of this network come from another IPAM plugin: leave ips out, or use a network with multi-nic-ipam`,
    );
  }
  return {
    network: plan.network,
    nics: chosen.map(({ nic, block }) => ({ nic: nic.name, interfaceIndex: block.interfaceIndex, addresses: [] })),
  };
}
