import type { HostPlan } from '../../../api/host.ts';
import type { NetworkCall } from '../../../cni/types.ts';
import { withoutIpam } from '../../../delegates/addressing.ts';
import type { NetworkDelegateCall } from '../../../delegates/exec.ts';
import { readMetaPlugins } from '../../../delegates/meta-plugins.ts';
import { planCalls } from '../../../delegates/plan.ts';
import type { AttachContext } from '../context.ts';
import { nicCall, usableBlocks } from './nic-ipam.ts';

/** The first version that has GC and STATUS. */
const since = '1.1.0';

/**
 * One call per NIC of the network and plugin, the chained ones too: a complete configuration without addresses, for GC and STATUS. A
 * plugin that takes devices is left out: it has none to be asked with.
 */
export function networkCalls(plan: HostPlan, call: NetworkCall): readonly NetworkDelegateCall[] {
  return planCalls({
    network: plan.network,
    cniVersion: since,
    pluginType: plan.pluginType,
    binding: plan.binding,
    ...(plan.mode === undefined ? {} : { mode: plan.mode }),
    plugin: call.conf.plugin,
    chain: readMetaPlugins(call.conf.plugin, plan.network).map((one) => ({ ...one, cniVersion: since })),
    nics: usableBlocks(plan).map(({ interfaceName }) => nicCall(plan, interfaceName, '', [])),
  })
    .map(withoutIpam)
    .flatMap(({ nic, chain = [], ...own }) =>
      (plan.binding === 'deviceID' ? chain : [own, ...chain]).map(({ plugin, config }) => ({ nic, plugin, config })),
    );
}

/** Whether the delegate has GC and STATUS at all; those before CNI 1.1.0 are not asked. @throws CniError when it is not there */
export async function hasNetworkVerbs(
  { delegates }: AttachContext,
  path: readonly string[],
  plugin: string,
): Promise<boolean> {
  const versions = await delegates.versions(delegates.find(path, plugin));
  return versions.includes(since);
}
