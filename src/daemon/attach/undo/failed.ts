import { keyText } from '../../../store/key.ts';
import type { AttachmentRecord } from '../../../store/types.ts';
import type { AttachContext } from '../context.ts';
import { undo } from './undo.ts';

/** A failed undo is no news to the caller: the record stays, and the next DEL or start goes on with it. */
export async function undoFailed(context: AttachContext, { key }: AttachmentRecord): Promise<void> {
  const record = context.store.attachments.get(keyText(key));
  if (record === undefined) return;
  try {
    await undo(context, record);
  } catch (error) {
    context.log.error({ attachment: keyText(key), err: error }, 'a failed ADD could not be undone yet');
  }
}
