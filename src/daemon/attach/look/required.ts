import { CniError, code } from '../../../api/cni-error.ts';
import type { HostPlan } from '../../../api/host.ts';
import type { ContainerCall } from '../../../cni/types.ts';
import { keyText } from '../../../store/key.ts';
import type { AttachContext } from '../context.ts';

/** @throws CniError 11 when nobody waits for the answer any more */
export function requireCaller(signal: AbortSignal): void {
  if (signal.aborted) throw new CniError(code.tryAgainLater, 'the caller of ADD has gone: nothing is attached');
}

/** @throws CniError 11 after `until`, ms as performance.now() counts */
export function requireTime({ key }: ContainerCall, until: number): void {
  if (performance.now() <= until) return;
  throw new CniError(
    code.tryAgainLater,
    `no time is left to attach ${keyText(key)}: this host is slow, or another call of this container hung; nothing is attached`,
  );
}

/** @returns the namespace's identity @throws CniError 3 for what is no namespace, or the host's own */
export function requireNetns({ kernel, ownNetns }: AttachContext, call: ContainerCall): string {
  const netnsId = kernel.netnsId(call.netns);
  if (netnsId === undefined) {
    throw new CniError(
      code.invalidNetns,
      `CNI_NETNS ${call.netns} is no network namespace: the container may have ended`,
    );
  }
  if (netnsId === kernel.netnsId(ownNetns) && call.netnsOverride !== true) {
    throw new CniError(code.invalidNetns, `CNI_NETNS ${call.netns} is the host's own network namespace`);
  }
  return netnsId;
}

/** @throws CniError 11 while the host cannot serve, 7 for a network that it does not serve */
export function requirePlan(context: AttachContext, network: string): HostPlan {
  const ready = context.ready();
  if (ready !== true) {
    throw new CniError(
      code.tryAgainLater,
      `host ${context.hostName} cannot attach to network ${network} yet: ${ready}`,
    );
  }
  const plans = context.plans();
  const plan = plans.get(network);
  if (plan === undefined) {
    const served = [...plans.keys()].sort().join(', ') || 'none';
    throw new CniError(
      code.invalidConfig,
      `host ${context.hostName} serves no network ${network} (it serves: ${served}): is there a MultiNicNetwork of that name, Ready, with a NIC network that this host has?`,
    );
  }
  if (plan.draining) {
    throw new CniError(
      code.tryAgainLater,
      `network ${network} is being deleted or moved: host ${context.hostName} makes no new attachments to it`,
    );
  }
  return plan;
}

/**
 * A plan that changed before the record stood may have been changed because nobody held an address: then this one must not.
 * @throws CniError 11
 */
export function requireSame(context: AttachContext, plan: HostPlan): void {
  const now = context.plans().get(plan.network);
  const { network, host } = plan.revision;
  if (now?.uid === plan.uid && now.revision.network === network && now.revision.host === host && !now.draining) return;
  throw new CniError(code.tryAgainLater, `the plan of network ${plan.network} changed in this moment: try again`);
}
