import { CniError, code } from '../../../api/cni-error.ts';
import { later } from '../../../cni/stamp.ts';
import type { ContainerCall } from '../../../cni/types.ts';
import { keyText } from '../../../store/key.ts';
import type { AttachmentRecord } from '../../../store/types.ts';
import type { AttachContext } from '../context.ts';

/**
 * An ADD that finds its attachment made: from now on that attachment is this call's, and a DEL that was sent before it (and lies
 * in the spool, or comes late) does not take it.
 */
export async function renew(
  { store, kernel }: AttachContext,
  call: ContainerCall,
  known: AttachmentRecord,
): Promise<void> {
  if (later(call.stamp, known.stamp, kernel.bootId())) await store.renew(known.key, call.stamp);
}

/**
 * An ADD that comes late undoes nothing of a later one.
 * @throws CniError 11
 */
export function requireNewer({ kernel }: AttachContext, call: ContainerCall, known: AttachmentRecord): void {
  if (known.state !== 'ready' || !later(known.stamp, call.stamp, kernel.bootId())) return;
  throw new CniError(
    code.tryAgainLater,
    `attachment ${keyText(call.key)} was made by a later ADD, elsewhere: this one came too late and attaches nothing`,
  );
}
