import { CniError, code } from '../../../api/cni-error.ts';
import { messageOf } from '../../../api/message-of.ts';
import { ipamIfname, isIpamKey } from '../../../cni/ipam-caller.ts';
import type { NetworkCall } from '../../../cni/types.ts';
import { keyText } from '../../../store/key.ts';
import type { AttachmentRecord } from '../../../store/types.ts';
import { isFoundKey } from '../../recovery/found.ts';
import type { AttachContext } from '../context.ts';
import { hasNetworkVerbs, networkCalls } from '../make/network-calls.ts';
import { detach } from './del.ts';

/**
 * GC: attachments of this network that the runtime does not list go through the normal DEL, all of them, whatever fails.
 * One that was added after the GC started stays: the list cannot know it. Then each NIC's delegate gets GC, if it has it.
 * @throws CniError 7 without a list (an empty one means "none is valid"), 999 with every failure
 */
export async function gc(context: AttachContext, call: NetworkCall): Promise<void> {
  const valid = requireValid(call);
  const listed = new Set(valid.map(({ containerID, ifname }) => `${containerID}/${ifname}`));
  const removed = await release(
    context,
    call,
    ({ key }) =>
      key.network === call.conf.name &&
      !isIpamKey(key) &&
      !isFoundKey(key) &&
      !listed.has(`${key.containerID}/${key.ifname}`),
  );
  requireNone(call, [...removed, ...(await forward(context, call, valid))]);
}

/** GC by another plugin: releases addresses that were given to this configuration's interfaces, and are not listed. @throws as gc */
export async function ipamGc(context: AttachContext, call: NetworkCall): Promise<void> {
  const { name } = call.conf;
  const listed = new Set(
    requireValid(call).map(({ containerID, ifname }) => `${containerID}/${ipamIfname(name, ifname)}`),
  );
  const own = ipamIfname(name, '');
  const stale = ({ key }: AttachmentRecord): boolean =>
    key.ifname.startsWith(own) && !listed.has(`${key.containerID}/${key.ifname}`);
  requireNone(call, await release(context, call, stale));
}

function requireValid({ conf }: NetworkCall): readonly Valid[] {
  if (conf.validAttachments !== undefined) return conf.validAttachments;
  throw new CniError(
    code.invalidConfig,
    `GC of network ${conf.name} without cni.dev/valid-attachments: list what is in use (an empty list means nothing is)`,
  );
}

function requireNone({ conf }: NetworkCall, problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new CniError(code.internal, `GC of network ${conf.name}: ${problems.join('; ')}`);
}

/** @returns one sentence for each record that could not be released */
async function release(
  context: AttachContext,
  { stamp }: NetworkCall,
  isStale: (record: AttachmentRecord) => boolean,
): Promise<readonly string[]> {
  const stale = [...context.store.attachments.values()].filter(isStale);
  const outcomes = await Promise.allSettled(stale.map(({ key }) => detach(context, { key, stamp })));
  return outcomes.flatMap((outcome, index) => {
    const record = stale[index];
    return outcome.status === 'rejected' && record !== undefined
      ? [`could not remove ${keyText(record.key)}: ${messageOf(outcome.reason)}`]
      : [];
  });
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
