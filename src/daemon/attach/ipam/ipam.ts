import { CniError, code } from '../../../api/cni-error.ts';
import type { Call, ContainerCall, NetworkCall } from '../../../cni/types.ts';
import { formatAddress } from '../../../net/address.ts';
import { parseInterfaceAddress } from '../../../net/prefix.ts';
import { keyText } from '../../../store/key.ts';
import type { AttachmentRecord } from '../../../store/types.ts';
import type { AttachContext } from '../context.ts';
import { missingOf } from '../look/present.ts';
import { requirePlan } from '../look/required.ts';
import { detach } from '../verbs/del.ts';
import { ipamGc } from '../verbs/gc.ts';
import { requireBlock } from './ipam-add.ts';

/** DEL, CHECK, GC and STATUS by another plugin that has its addresses from us. @throws CniError as the verbs of attachments */
export async function ipam(context: AttachContext, call: Exclude<Call, { verb: 'ADD' }>): Promise<void> {
  if (call.verb === 'DEL') await release(context, call);
  else if (call.verb === 'CHECK') await check(context, call);
  else if (call.verb === 'GC') await ipamGc(context, call);
  else if (call.verb === 'STATUS') status(context, call);
}

/** Whatever network they came from: the configuration may name another one since. */
async function release(context: AttachContext, call: ContainerCall): Promise<void> {
  const { key, stamp, netns } = call;
  const held = [...context.store.attachments.values()].filter(
    (record) => record.key.containerID === key.containerID && record.key.ifname === key.ifname,
  );
  const keys = held.length === 0 ? [key] : held.map((record) => record.key);
  for (const one of keys) await detach(context, { key: one, stamp, netns });
}

async function check(context: AttachContext, call: ContainerCall): Promise<void> {
  const name = keyText(call.key);
  const record = context.store.attachments.get(name);
  if (record === undefined) {
    throw new CniError(code.unknownContainer, `${name} has no addresses on this host: it was never added, or deleted`);
  }
  if (record.state !== 'ready') {
    throw new CniError(code.tryAgainLater, `${name} is ${record.state}: delete it and add it again`);
  }
  if (context.kernel.netnsId(call.netns) === undefined) {
    throw new CniError(code.invalidNetns, `CNI_NETNS ${call.netns} of ${name} is no network namespace`);
  }
  const problems = await look(context, call, record);
  if (problems.length > 0) throw new CniError(code.internal, `${name} in ${call.netns}: ${problems.join('; ')}`);
}

/** Ours are in the caller's result, and stand on the interface that it says. */
async function look(
  { kernel }: AttachContext,
  { conf, netns }: ContainerCall,
  { addresses }: AttachmentRecord,
): Promise<readonly string[]> {
  if (conf.prevResult === undefined) return [];
  const ours = new Set(addresses.map(({ address }) => formatAddress(address)));
  const ips = conf.prevResult.ips.filter(({ address }) =>
    ours.has(formatAddress(parseInterfaceAddress(address).address)),
  );
  const told = new Set(ips.map(({ address }) => formatAddress(parseInterfaceAddress(address).address)));
  const untold = [...ours].filter((address) => !told.has(address));
  return [
    ...untold.map((address) => `prevResult lacks address ${address}`),
    ...missingOf({ ...conf.prevResult, ips }, await kernel.links(netns)),
  ];
}

/** @throws CniError 50 */
function status(context: AttachContext, call: NetworkCall): void {
  const network = call.ipamOf?.network ?? call.conf.name;
  const full = plannedOrUnavailable(() => {
    const plan = requirePlan(context, network);
    return context.pools.full(plan, requireBlock(context, plan, call).interfaceName);
  });
  if (full.length > 0) {
    throw new CniError(code.notAvailable, `network ${network} on host ${context.hostName}: ${full.join('; ')}`);
  }
}

function plannedOrUnavailable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof CniError) throw new CniError(code.notAvailable, error.message, error.details, error);
    throw error;
  }
}
