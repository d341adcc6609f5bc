import { CniError, code } from '../../api/cni-error.ts';
import type { NetworkCall } from '../../cni/types.ts';
import { keyText } from '../../store/key.ts';
import type { AttachContext } from './context.ts';
import { detach } from './del.ts';

/**
 * GC: attachments of this network that the runtime does not list go through the normal DEL, all of them, whatever fails.
 * One that was added after the GC started stays: the list cannot know it.
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
  if (failures.length > 0) {
    throw new CniError(code.internal, `GC of network ${call.conf.name} could not remove ${failures.join('; ')}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
