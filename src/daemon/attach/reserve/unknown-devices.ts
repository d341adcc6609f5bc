import type { CniResult, ContainerCall } from '../../../cni/types.ts';
import { delAll } from '../../../delegates/parallel.ts';
import { planCalls } from '../../../delegates/plan.ts';
import { keyText } from '../../../store/key.ts';
import { type AttachContext, lookWith } from '../context.ts';
import { delegatesShare } from '../limits.ts';

/**
 * DEL of virtual functions without a record of ours: sriov-cni keeps its own, by container and interface, and gives a function back with
 * the settings that it had. What it does not know is no error to it; what it cannot do is left to whoever looks at the links next.
 */
export async function askForUnknown(context: AttachContext, call: ContainerCall, result: CniResult): Promise<void> {
  const { key, args, path, conf } = call;
  const plan = context.plans().get(key.network);
  if (plan?.pluginType !== 'sriov') return;
  const { cniVersion, plugin } = conf;
  const own = result.interfaces.filter(({ name, sandbox = '' }) => sandbox !== '' && isOfCall(name, key.ifname));
  const nics = own.map(({ name: ifname, pciID }) => ({
    nic: 'unknown',
    ifname,
    addresses: [],
    ...(pciID === undefined ? {} : { device: pciID }),
  }));
  const until = performance.now() + delegatesShare(context.limits);
  const running = { key, netns: call.netns, args, path, undoMs: delegatesShare(context.limits), until };
  try {
    const calls = planCalls({ ...plan, network: key.network, cniVersion, plugin, nics });
    await delAll(context.delegates, lookWith(context.kernel), calls, running, { started: true });
  } catch (error) {
    context.log.warn({ attachment: keyText(key), err: error }, 'sriov failed on DEL of what is not recorded');
  }
}

/** `net1`, and `net1-1` …; names that had to be cut are not told from others. */
function isOfCall(name: string, ifname: string): boolean {
  return name === ifname || name.startsWith(`${ifname}-`);
}
