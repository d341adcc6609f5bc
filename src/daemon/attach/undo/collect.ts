import type { PodRef } from '../../../cni/types.ts';
import { keyText } from '../../../store/key.ts';
import type { AttachmentRecord } from '../../../store/types.ts';
import type { AttachContext } from '../context.ts';
import { livingNetns } from '../look/ours.ts';
import { isPodKnown, whyAbandoned } from './abandoned.ts';
import { undoAll } from './recover.ts';

/** Whether a pod is on this node, asked of the API server itself. @throws Error when it does not answer */
export type IsPodHere = (pod: PodRef) => Promise<boolean>;

/** What one look found. */
export interface Collected {
  /** Seen a second time, and undone. */
  readonly released: readonly string[];
  /** Could not be undone yet. One sentence each. */
  readonly failed: readonly string[];
}

/**
 * The daemon's own garbage collection, for runtimes that send neither DEL nor GC (Multus sends no GC to secondary networks):
 * what is abandoned in two looks, one after the other, goes through the normal undoing. The API is asked only about attachments
 * whose namespace is gone.
 */
export function createCollector(context: AttachContext): (isPodHere: IsPodHere) => Promise<Collected> {
  let seen: ReadonlySet<string> = new Set();
  return async (isPodHere) => {
    const found = new Map<string, AttachmentRecord>();
    for (const record of context.store.attachments.values()) {
      const why = await reasonOf(context, record, isPodHere);
      if (why === undefined) continue;
      found.set(markOf(record), record);
      if (!seen.has(markOf(record))) continue;
      context.log.warn({ attachment: keyText(record.key), pod: record.pod, why }, 'abandoned without DEL: released');
    }
    const due = [...found].filter(([mark]) => seen.has(mark)).map(([, record]) => record);
    const failed = await undoAll(context, due);
    seen = new Set(found.keys());
    return { released: due.map(({ key }) => keyText(key)), failed };
  };
}

async function reasonOf(
  context: AttachContext,
  record: AttachmentRecord,
  isPodHere: IsPodHere,
): Promise<string | undefined> {
  const { kernel, store } = context;
  const netnsLives = livingNetns(kernel, record) !== undefined;
  const bootId = kernel.bootId();
  const others = store.attachments.values();
  const known = whyAbandoned(record, others, { netnsLives, bootId, pod: 'unknown' });
  if (known !== undefined || netnsLives || record.state !== 'ready' || !isPodKnown(record)) return known;
  try {
    const pod = (await isPodHere(record.pod)) ? 'here' : 'gone';
    // Asking took its time.
    const facts = { netnsLives: livingNetns(kernel, record) !== undefined, bootId, pod } as const;
    return whyAbandoned(record, store.attachments.values(), facts);
  } catch (error) {
    context.log.debug({ attachment: keyText(record.key), err: error }, 'the API does not say whether its pod is gone');
    return undefined;
  }
}

/** Another ADD of the same key is another attachment. */
function markOf({ key, stamp }: AttachmentRecord): string {
  return `${keyText(key)} ${stamp.bootId}/${stamp.ns}`;
}
