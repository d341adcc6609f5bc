import { CniError, code } from '../../../api/cni-error.ts';
import { delegateOf } from '../../../api/delegations.ts';
import { type HostPlan, samePci } from '../../../api/host.ts';
import type { ContainerCall, PodRef } from '../../../cni/types.ts';
import { keysFor, namedNics } from '../../../delegates/host-device.ts';
import type { ChosenNic } from '../../../delegates/plan.ts';
import { routeProtocol } from '../../../hostroute/constants.ts';
import type { Kernel } from '../../../kernel/types.ts';
import { formatInterfaceAddress } from '../../../net/prefix.ts';
import { deviceFacts } from '../../../nic/nic.ts';
import type { Chosen } from '../../../policy/types.ts';
import type { LentNic } from '../../../store/types.ts';
import type { AttachContext } from '../context.ts';

/** Whether host-device is to put the plan's NICs or devices into pods; sriov-cni keeps its own books of what it moves. */
export function lends({ binding, pluginType }: HostPlan): boolean {
  return binding === 'device' || (binding === 'deviceID' && delegateOf(pluginType) === 'host-device');
}

/**
 * What the chosen NICs are like now, before they go to the pod. A device without a link (it belongs to a driver of user space), or
 * whose link cannot be told from here (an auxiliary device), is left out: the plugin alone brings it back.
 * @param names interfaces in the pod, by position
 * @throws CniError 11 for a NIC that is not on the host just now
 */
export async function lend(
  { kernel, hostName, now }: AttachContext,
  plan: HostPlan,
  { key, pod, netns }: ContainerCall,
  netnsId: string,
  chosen: readonly Chosen[],
  names: readonly string[],
): Promise<readonly LentNic[]> {
  if (!lends(plan)) return [];
  const pciOf = pciOn(kernel);
  const lent = await Promise.all(
    chosen.map(async ({ nic, device }, index): Promise<LentNic | undefined> => {
      const isNic = device === undefined || samePci(nic.pciAddress, device);
      const link = isNic ? nic.name : (await kernel.links()).find(({ name }) => samePci(pciOf(name), device))?.name;
      const saved = link === undefined ? undefined : await kernel.save(link, routeProtocol);
      if (saved === undefined) {
        if (!isNic) return undefined;
        throw new CniError(
          code.tryAgainLater,
          `network ${plan.network}: NIC ${nic.name} is not on host ${hostName} in this moment: try again`,
        );
      }
      const pciAddress = pciOf(saved.name);
      return {
        name: saved.name,
        key,
        pod,
        ifname: names[index] ?? '',
        netns,
        netnsId,
        bootId: kernel.bootId(),
        ...(pciAddress === undefined ? {} : { pciAddress }),
        ...(isNic ? { nic } : {}),
        saved,
        savedAt: now(),
      };
    }),
  );
  return lent.flatMap((one) => one ?? []);
}

/**
 * What a lent NIC's call has besides: how the plugin is told the NIC, and, with host-device-ipam, the NIC's own addresses.
 * @throws CniError 102 for a NIC that has no address to take along, and for a pod that asks for another
 */
export function lentCall(
  plan: HostPlan,
  { conf: { plugin, request } }: Pick<ContainerCall, 'conf'>,
  chosen: Chosen | undefined,
): Pick<ChosenNic, 'keys' | 'ipam'> {
  if (chosen === undefined || !lends(plan)) return {};
  const { nic } = chosen;
  const keys = plan.binding === 'device' ? { keys: keysFor(namedNics(plugin, plan.network), nic) } : {};
  if (plan.ipam.kind !== 'host-device') return keys;
  if (request.ips.length > 0) {
    throw new CniError(
      code.unsatisfiable,
      `network ${plan.network}: the pod asks for ${request.ips.join(', ')}, but gets the NICs' own addresses (host-device-ipam): leave ips out`,
    );
  }
  if (nic.addresses.length === 0) {
    throw new CniError(
      code.unsatisfiable,
      `network ${plan.network}: NIC ${nic.name} has no address that could go with it (host-device-ipam): give it one, or use multi-nic-ipam`,
    );
  }
  const addresses = nic.addresses.map(({ address, prefix }) => ({
    address: formatInterfaceAddress(address, prefix.length),
  }));
  return { ...keys, ipam: { type: 'static', addresses } };
}

/** PCI addresses of the host's links. */
export function pciOn(kernel: Pick<Kernel, 'sysfs'>): (name: string) => string | undefined {
  return (name) => deviceFacts(name, (path) => kernel.sysfs(path)).pciAddress;
}

/** `pod default/trainer`; the container where the runtime told no pod. */
export function holderText({ key, pod }: Pick<LentNic, 'key'> & { readonly pod: PodRef }): string {
  return pod.name === '' ? `container ${key.containerID}` : `pod ${pod.namespace}/${pod.name}`;
}
