import type { LinkKind, LinkMode } from '../../api/network.ts';

/** What the person asked for. */
export interface DemoRequest {
  readonly hosts: number;
  readonly nics: number;
  /** Pods on each host. */
  readonly pods: number;
  readonly plugin?: LinkKind;
  readonly mode?: LinkMode;
}

/** What will be shown: plugin and mode are settled. */
export interface DemoPlan extends DemoRequest {
  readonly plugin: LinkKind;
  readonly mode: LinkMode;
  /** Where it has to run: here, or in the kernel that MULTINIC_UML names. */
  readonly where: 'here' | 'uml';
  /** Why it is not what one would expect. */
  readonly notice?: string;
}

const modes: Readonly<Record<LinkKind, readonly LinkMode[]>> = {
  ipvlan: ['l3', 'l2'],
  macvlan: ['bridge'],
};

/**
 * Settles plugin, mode and kernel: ipvlan l3 by default; macvlan bridge where this kernel has no ipvlan, unless ipvlan (or
 * one of its modes) was asked for.
 * @throws Error for a mode that the plugin does not have
 */
export function settle(request: DemoRequest, kernelHasIpvlan: boolean): DemoPlan {
  const wanted = request.plugin ?? (request.mode === undefined ? undefined : pluginOf(request.mode));
  const plugin = wanted ?? (kernelHasIpvlan ? 'ipvlan' : 'macvlan');
  const mode = request.mode ?? modes[plugin][0] ?? 'l3';
  if (!modes[plugin].includes(mode)) {
    throw new Error(`--plugin ${plugin} has no --mode ${mode}: use ${modes[plugin].join(' or ')}`);
  }
  const plan = { ...request, plugin, mode };
  if (plugin === 'macvlan') {
    const notice =
      'this kernel has no ipvlan (modprobe ipvlan brings it where it is a module): showing macvlan (bridge) instead';
    return { ...plan, where: 'here', ...(wanted === undefined && { notice }) };
  }
  if (kernelHasIpvlan) return { ...plan, where: 'here' };
  return { ...plan, where: 'uml', notice: 'this kernel has no ipvlan: running in the kernel that MULTINIC_UML names' };
}

function pluginOf(mode: LinkMode): LinkKind {
  return mode === 'l2' || mode === 'l3' ? 'ipvlan' : 'macvlan';
}
