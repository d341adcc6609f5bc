import { messageOf } from '../../../api/message-of.ts';
import { isIpamKey } from '../../../cni/ipam-caller.ts';
import { keyText } from '../../../store/key.ts';
import type { AttachmentRecord, AttachmentState } from '../../../store/types.ts';
import type { AttachContext } from '../context.ts';
import { livingNetns } from '../look/ours.ts';
import { missingOf } from '../look/present.ts';
import { undo } from './undo.ts';

/** What recovery found and did. */
export interface Recovery {
  /** Delegate processes of an earlier run that were ended. */
  readonly orphans: number;
  /** Records by state as they were found. */
  readonly found: Readonly<Record<AttachmentState, number>>;
  /** `ready` ones of an earlier boot whose links are gone: undone too. */
  readonly rebooted: number;
  /** Could not be undone now; they stay `deleting` and keep their addresses. One sentence each. */
  readonly failed: readonly string[];
}

/** How many attachments are undone side by side: each runs a process per NIC. */
const width = 4;

/**
 * Finishes backwards what an earlier run left: first its delegates are ended and waited for (one that slept could otherwise
 * make a link on an address that is free by then), then every `pending` and `deleting` attachment is undone, and those of an
 * earlier boot that are not in their namespace any more; their addresses rest from now.
 */
export async function recover(context: AttachContext): Promise<Recovery> {
  const orphans = (await context.delegates.endOrphans()).length;
  const records = [...context.store.attachments.values()];
  const found = { pending: 0, ready: 0, deleting: 0 };
  for (const { state } of records) found[state] += 1;
  const rebooted: AttachmentRecord[] = [];
  for (const record of records) {
    if (record.state === 'ready' && (await lostByReboot(context, record))) rebooted.push(record);
  }
  const failed = await undoAll(context, [...records.filter(({ state }) => state !== 'ready'), ...rebooted]);
  return { orphans, found, rebooted: rebooted.length, failed };
}

/** Tries again what could not be undone before, where no call is at it. @returns one sentence for each that failed again */
export async function retryDeleting(context: AttachContext): Promise<readonly string[]> {
  return undoAll(
    context,
    [...context.store.attachments.values()].filter(({ state }) => state === 'deleting'),
  );
}

/** Undoes records, some side by side. @returns one sentence for each that failed */
export async function undoAll(
  context: AttachContext,
  records: readonly AttachmentRecord[],
): Promise<readonly string[]> {
  const waiting = [...records];
  const failed: string[] = [];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { key } = next;
      try {
        await context.locks.run(key.containerID, async () => {
          const record = context.store.attachments.get(keyText(key));
          // Gone, or added again, while this waited for the lock.
          if (record === undefined || record.stamp.ns !== next?.stamp.ns) return;
          await undo(context, record);
        });
      } catch (error) {
        failed.push(`${keyText(key)}: ${messageOf(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return failed;
}

async function lostByReboot(context: AttachContext, record: AttachmentRecord): Promise<boolean> {
  if (record.stamp.bootId === context.kernel.bootId()) return false;
  // Nothing of it can be looked for in the namespace, and no namespace outlives its kernel.
  if (isIpamKey(record.key)) return true;
  const netns = livingNetns(context.kernel, record);
  if (netns === undefined || record.result === undefined) return true;
  return missingOf(record.result, await context.kernel.links(netns)).length > 0;
}
