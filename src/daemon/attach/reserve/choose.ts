import { CniError } from '../../../api/cni-error.ts';
import type { HostPlan } from '../../../api/host.ts';
import type { ContainerCall } from '../../../cni/types.ts';
import { select } from '../../../policy/select.ts';
import type { Chosen } from '../../../policy/types.ts';
import type { AttachContext } from '../context.ts';
import { usableBlocks } from '../make/nic-ipam.ts';
import { devicesFor } from './devices.ts';
import { unavailableNics } from './unavailable.ts';

/** The NICs that the pod gets, in the order of its interfaces. @throws CniError that lists what there is */
export async function chooseNics(
  context: AttachContext,
  plan: HostPlan,
  call: ContainerCall,
): Promise<readonly Chosen[]> {
  const devices = await devicesFor(context, plan, call);
  const selection = select(
    call.conf.request,
    context.nics(),
    usableBlocks(plan),
    {
      network: plan.network,
      host: context.hostName,
      // Networks with another strategy do not pass the gate, so no plan of them exists.
      strategy: 'none',
      masterNets: plan.masterNets,
      unavailable: unavailableNics(context, plan, call.conf.plugin),
    },
    devices,
  );
  if (!selection.ok) throw new CniError(selection.code, selection.message);
  return selection.chosen;
}
