import { setTimeout as sleep } from 'node:timers/promises';
import { CniError, code } from '../../../api/cni-error.ts';
import { keyText } from '../../../store/key.ts';
import type { AttachmentRecord, LentNic, Store } from '../../../store/types.ts';
import type { AttachContext } from '../context.ts';
import { livingNetns } from '../look/ours.ts';
import { type Back, giveBack } from './give-back.ts';

/** The kernel gives NICs back some time after a namespace has gone: looked for so often before a DEL is answered without, ms. */
const waitsMs = [50, 100, 200, 400, 800];
/** A link of the kernel's own making (veth) that is nowhere for so long went with the pod's namespace, ms. */
const goneMs = 60_000;

/** NICs that are lent to the attachment. */
export function lentTo(store: Store, record: AttachmentRecord): readonly LentNic[] {
  return [...store.lent.values()].filter(
    (lent) => ownerOf(store, lent)?.stamp.ns === record.stamp.ns && isOf(lent, record),
  );
}

function isOf({ key }: LentNic, record: AttachmentRecord): boolean {
  return keyText(key) === keyText(record.key);
}

/** The attachment that has the NIC; one of the same key that was made since has others. */
function ownerOf(store: Store, { key, name, ifname }: LentNic): AttachmentRecord | undefined {
  const record = store.attachments.get(keyText(key));
  const has = record?.calls.some((call) => call.ifname === ifname && (call.nic === name || call.device !== undefined));
  return has === true ? record : undefined;
}

/**
 * Gives back all NICs of an attachment that is being undone. One that the kernel still has on its way back, or that cannot be what it
 * was yet, is left to settleLent: the NIC stays taken until then.
 * @param netns of the pod, empty when it stands no more
 * @throws CniError when one is still in the pod
 */
export async function giveBackAll(context: AttachContext, record: AttachmentRecord, netns: string): Promise<void> {
  const lent = lentTo(context.store, record);
  if (lent.length === 0) return;
  const outcomes = await Promise.all(lent.map(async (one) => patiently(context, one, netns)));
  for (const [index, outcome] of outcomes.entries()) {
    const nic = lent[index]?.name;
    if (outcome.kind === 'absent') context.log.warn({ nic, netns }, 'a lent NIC is not back yet: looked for again');
    if (outcome.kind === 'kept')
      context.log.error({ nic, problem: outcome.problem }, 'a lent NIC is not as it was yet');
  }
  const stuck = outcomes.flatMap((outcome) => (outcome.kind === 'kept' && outcome.inPod ? [outcome.problem] : []));
  if (stuck.length === 0) return;
  throw new CniError(
    code.internal,
    `attachment ${keyText(record.key)}: ${stuck.join('; ')}; tried again until it is out`,
  );
}

async function patiently(context: AttachContext, lent: LentNic, netns: string): Promise<Back> {
  for (const wait of waitsMs) {
    const outcome = await context.lending.run('', async () => giveBack(context, lent, netns));
    if (outcome.kind !== 'absent') return outcome;
    await sleep(wait);
  }
  return context.lending.run('', async () => giveBack(context, lent, netns));
}

/** Looks after NICs whose attachment is gone, or whose pod is; to be called now and then, and when links have changed. */
export type SettleLent = () => Promise<readonly string[]>;

/** @returns one sentence for each NIC that is not as it was, though it is back */
export function createSettleLent(context: AttachContext): SettleLent {
  const missedSince = new Map<string, number>();
  return async () => {
    const problems: string[] = [];
    for (const lent of Array.from(context.store.lent.values())) {
      const outcome = await context.lending.run('', async () => settle(context, lent));
      if (outcome?.kind !== 'absent') missedSince.delete(lent.name);
      if (outcome?.kind === 'kept') problems.push(outcome.problem);
      if (outcome?.kind !== 'absent') continue;
      const since = missedSince.get(lent.name) ?? context.now();
      missedSince.set(lent.name, since);
      const why = whyGone(context, lent, context.now() - since);
      if (why === undefined) continue;
      context.log.warn({ nic: lent.name, ...lent.key, why }, 'a lent NIC is gone for good');
      await context.store.returned(lent.name);
      context.changed();
      missedSince.delete(lent.name);
    }
    return problems;
  };
}

/** @returns undefined for a NIC that is where it belongs */
async function settle(context: AttachContext, lent: LentNic): Promise<Back | undefined> {
  const { store, kernel } = context;
  if (store.lent.get(lent.name) !== lent) return undefined;
  const owner = ownerOf(store, lent);
  if (owner === undefined) return giveBack(context, lent, livingNetns(kernel, lent) ?? '');
  if (owner.state !== 'ready') return undefined;
  if (livingNetns(kernel, owner) === undefined) return giveBack(context, lent, '', { keep: true });
  // Unplugged in the pod.
  return isUnplugged(context, lent) ? { kind: 'absent' } : undefined;
}

function whyGone(context: AttachContext, lent: LentNic, missedMs: number): string | undefined {
  if (isUnplugged(context, lent)) return `there is no PCI device ${lent.pciAddress} any more`;
  if (lent.saved.kind === undefined || missedMs < goneMs) return undefined;
  return `a ${lent.saved.kind} link goes with the namespace that it is in`;
}

function isUnplugged({ kernel }: AttachContext, { pciAddress }: LentNic): boolean {
  return pciAddress !== undefined && kernel.sysfs(`bus/pci/devices/${pciAddress}/vendor`) === undefined;
}
