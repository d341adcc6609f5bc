import { CniError, code } from '../../../api/cni-error.ts';
import type { Block, HostPlan } from '../../../api/host.ts';
import { ipamNetworks } from '../../../api/ipam-networks.ts';
import type { ContainerCall } from '../../../cni/types.ts';
import type { ChosenNic } from '../../../delegates/plan.ts';
import { placeRequested } from '../../../ipam/place-requested.ts';
import type { Chosen } from '../../../policy/types.ts';
import type { PoolBook, Reserved } from '../pools.ts';

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

/**
 * Blocks of the NICs that a pod may get: of a network with a configuration for each NIC, those that have one. Where an IPAM plugin gives
 * the addresses, their networks stand in the place of our blocks, so that a NIC whose address a pod asks for is chosen before others.
 */
export function usableBlocks(plan: HostPlan): readonly Block[] {
  if (plan.ipam.kind === 'pool') return plan.blocks;
  return plan.blocks.flatMap((block) => {
    const config = ipamOf(plan, block.interfaceName);
    if (config === undefined) return plan.ipam.kind === 'per-master' ? [] : [block];
    const networks = ipamNetworks(config);
    return [{ ...block, podCIDRs: networks.length > 0 ? networks : block.netAddresses }];
  });
}

/**
 * Addresses for the chosen NICs: from our pools, or what an IPAM plugin is to be asked for, which has the say then.
 * @throws CniError as PoolBook.reserve; 102 for requested addresses of no NIC, or of several
 */
export function reserveFor(pools: PoolBook, plan: HostPlan, chosen: readonly Chosen[], call: ContainerCall): Reserved {
  const { ips } = call.conf.request;
  const rails = chosen.map(({ block }) => block.interfaceIndex);
  if (plan.ipam.kind === 'pool') return pools.reserve(plan, rails, ips);
  const places = chosen.map(({ nic: { name, addresses } }) => ({
    nic: name,
    networks: ipamNetworks(ipamOf(plan, name) ?? {}),
    own: addresses.map(({ prefix }) => prefix),
  }));
  const placed = placeRequested(places, ips);
  if (!placed.ok) throw new CniError(code.unsatisfiable, `network ${plan.network}: ${placed.message}`);
  return {
    network: plan.network,
    nics: chosen.map(({ nic, block }, index) => ({
      nic: nic.name,
      interfaceIndex: block.interfaceIndex,
      addresses: placed.byPlace[index] ?? [],
    })),
  };
}
