import { CniError, code } from '../../api/cni-error.ts';
import type { NetworkCall } from '../../cni/types.ts';
import { keyText } from '../../store/key.ts';
import type { AttachContext } from './context.ts';
import { detach } from './del.ts';
import { hasNetworkVerbs, networkCalls } from './network-calls.ts';

/**
 * GC: attachments of this network that the runtime does not list go through the normal DEL, all of them, whatever fails.
 * One that was added after the GC started stays: the list cannot know it. Then each NIC's delegate gets GC, if it has it.
 * @throws CniError 7 without a list (an empty one means "none is valid"), 999 with every failure
 */
export async function gc(context: AttachContext, call: NetworkCall): Promise<void> {
  const valid = call.conf.validAttachments;
  if (valid === undefined) {
    throw new CniError(
      code.invalidConfig,
      `GC of network ${call.conf.name} without cni.dev/valid-attachments: list what is in use (an empty list means nothing is)`,
    );
  }
  const listed = new Set(valid.map(({ containerID, ifname }) => `${containerID}/${ifname}`));
  const stale = [...context.store.attachments.values()].filter(
    ({ key }) => key.network === call.conf.name && !listed.has(`${key.containerID}/${key.ifname}`),
  );
  const outcomes = await Promise.allSettled(stale.map(({ key }) => detach(context, { key, stamp: call.stamp })));
  const failures = outcomes.flatMap((outcome, index) => {
    const record = stale[index];
    return outcome.status === 'rejected' && record !== undefined
      ? [`${keyText(record.key)}: ${messageOf(outcome.reason)}`]
      : [];
  });
  const removed = failures.map((failure) => `could not remove ${failure}`);
  const problems = [...removed, ...(await forward(context, call, valid))];
  if (problems.length > 0) {
    throw new CniError(code.internal, `GC of network ${call.conf.name}: ${problems.join('; ')}`);
  }
}

/** @returns what each delegate that failed said */
async function forward(context: AttachContext, call: NetworkCall, valid: readonly Valid[]): Promise<readonly string[]> {
  const plan = context.plans().get(call.conf.name);
  if (plan === undefined) return [];
  const list = delegatesList(context, call.conf.name, valid);
  const lists = { 'cni.dev/valid-attachments': list, 'cni.dev/attachments': list };
  const outcomes = await Promise.allSettled(
    networkCalls(plan, call).map(async ({ nic, plugin, config }) => {
      if (!(await hasNetworkVerbs(context, call.path, plugin))) return;
      const own = { ...(nic === undefined ? {} : { nic }), plugin, config: { ...config, ...lists } };
      await context.delegates.runNetwork(own, 'GC', call.path);
    }),
  );
  return outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [messageOf(outcome.reason)] : []));
}

type Valid = NonNullable<NetworkCall['conf']['validAttachments']>[number];

/**
 * What is valid in a delegate's terms: delegates know an attachment by the interface they made, not by CNI_IFNAME. All of
 * the network for each NIC, as delegates keep their books by network; with those added since, which the runtime cannot know.
 */
function delegatesList(context: AttachContext, network: string, valid: readonly Valid[]): readonly Valid[] {
  const made = [...context.store.attachments.values()]
    .filter(({ key }) => key.network === network)
    .flatMap(({ key, calls }) => calls.map(({ ifname }) => ({ containerID: key.containerID, ifname })));
  const known = new Set(made.map(({ containerID, ifname }) => `${containerID}/${ifname}`));
  return [...made, ...valid.filter(({ containerID, ifname }) => !known.has(`${containerID}/${ifname}`))];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
