import { CniError, code } from '../../../api/cni-error.ts';
import type { Block, HostPlan } from '../../../api/host.ts';
import { emptyResult } from '../../../cni/result.ts';
import type { Call, CniResult, ContainerCall } from '../../../cni/types.ts';
import { formatInterfaceAddress } from '../../../net/prefix.ts';
import { keyText } from '../../../store/key.ts';
import type { AttachContext } from '../context.ts';
import { renew, requireNewer } from '../look/repeated.ts';
import { requireCaller, requireNetns, requirePlan, requireSame } from '../look/required.ts';
import { planPodRoutes, readPodRoutes } from '../make/pod-routes.ts';
import { commit } from '../reserve/commit.ts';
import { undoFailed } from '../undo/failed.ts';
import { undo } from '../undo/undo.ts';

/**
 * ADD for another plugin's interface: an address of each family from the block of its NIC, with the prefix length that pods of the
 * network have, and routes. On disk before it is answered; asked again, the same answer.
 * @param signal the caller has gone: what was taken is given back
 * @throws CniError as ADD does
 */
export async function ipamAdd(context: AttachContext, call: ContainerCall, signal: AbortSignal): Promise<CniResult> {
  const netnsId = requireNetns(context, call);
  return context.locks.run(call.key.containerID, async () => {
    requireCaller(signal);
    const known = context.store.attachments.get(keyText(call.key));
    if (known?.state === 'ready' && known.netnsId === netnsId && known.result !== undefined) {
      await renew(context, call, known);
      return known.result;
    }
    if (known !== undefined) {
      requireNewer(context, call, known);
      await undo(context, known, call.netns);
    }
    const plan = requirePlan(context, call.key.network);
    const block = requireBlock(context, plan, call);
    const routes = routesOf(plan, call, block);
    const reserved = context.pools.reserve(plan, [block.interfaceIndex], call.conf.request.ips);
    const record = await commit(context, plan, call, netnsId, reserved, {
      plan: () => ({ calls: [], masters: [] }),
    });
    try {
      await context.step('add:committed');
      requireSame(context, plan);
      const ips = reserved.nics
        .flatMap(({ addresses }) => addresses)
        .map(({ address, length }) => ({ address: formatInterfaceAddress(address, length) }));
      const result = { ...emptyResult, ips, routes, dns: call.conf.dns };
      await context.step('add:before-finish');
      requireCaller(signal);
      await context.store.finish(call.key, [], result);
      // Once answered, they come on a link.
      await context.store.synced();
      await context.step('add:finished');
      requireCaller(signal);
      context.log.info({ attachment: keyText(call.key), nic: block.interfaceName }, 'addresses given');
      return result;
    } catch (error) {
      await undoFailed(context, record);
      throw error;
    }
  });
}

/**
 * The block of the caller's NIC; of a network with one NIC here that NIC's, where the caller names none.
 * @throws CniError 7 that lists what there is, 11 while the block goes away
 */
export function requireBlock({ hostName }: AttachContext, plan: HostPlan, { conf, ipamOf }: Call): Block {
  const about = `network configuration "${conf.name}" (plugin ${conf.type})`;
  if (plan.ipam.kind !== 'pool') {
    throw new CniError(code.invalidConfig, `${about}: network ${plan.network} has no addresses of multinic to give`);
  }
  const master = ipamOf?.master;
  const { blocks } = plan;
  const block =
    master === undefined && blocks.length === 1
      ? blocks[0]
      : blocks.find(({ interfaceName }) => interfaceName === master);
  if (block === undefined) {
    const named = master === undefined ? 'names no NIC' : `names NIC ${master}`;
    const nics = blocks.map(({ interfaceName }) => interfaceName).join(', ') || 'none';
    throw new CniError(
      code.invalidConfig,
      `${about} ${named}, but network ${plan.network} has blocks on host ${hostName} for ${nics}: put one of these into master or ipam.master`,
    );
  }
  if (block.draining) {
    const message = `${about}: the block of NIC ${block.interfaceName} in network ${plan.network} is being taken back`;
    throw new CniError(code.tryAgainLater, message);
  }
  return block;
}

/** `ipam.routes` of the caller's configuration where it has any, else those of the network; the caller makes them. */
function routesOf(plan: HostPlan, { conf, key }: ContainerCall, block: Block): CniResult['routes'] {
  const wanted = conf.ipam['routes'] === undefined ? (plan.routes ?? []) : readPodRoutes(plan, conf);
  return planPodRoutes(plan, wanted, [{ nic: block.interfaceName, ifname: key.ifname }]).routes;
}
