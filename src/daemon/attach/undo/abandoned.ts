import { later } from '../../../cni/stamp.ts';
import type { AttachmentRecord } from '../../../store/types.ts';
import { isFoundKey } from '../../recovery/found.ts';

/** What is known about an attachment whose DEL may never come. */
export interface AttachmentFacts {
  /** Its namespace still stands. */
  readonly netnsLives: boolean;
  /** Of the running kernel. */
  readonly bootId: string;
  /** What the API server itself said just now; `unknown` when it was not asked, or did not answer. */
  readonly pod: 'here' | 'gone' | 'unknown';
}

/**
 * Why an attachment is nobody's any more, or undefined. Its namespace is gone in any case, and besides: the machine has booted
 * since, or a later attachment of the same pod took its place, or its pod was never known, or the API knows no such pod on this node. Never for its
 * UID alone: the API shows static pods under another one.
 */
export function whyAbandoned(
  record: AttachmentRecord,
  others: Iterable<AttachmentRecord>,
  { netnsLives, bootId, pod }: AttachmentFacts,
): string | undefined {
  if (netnsLives || record.state !== 'ready') return undefined;
  if (record.stamp.bootId !== bootId) return 'the machine has booted since';
  // It was learned from the namespace alone: there is nobody to ask about.
  if (isFoundKey(record.key)) return 'its namespace is gone';
  for (const other of others)
    if (replaces(other, record, bootId)) return `container ${other.key.containerID} took its place`;
  if (pod === 'gone' && isPodKnown(record)) return 'its pod is gone';
  return undefined;
}

/** Whether there is a pod that could be asked for. */
export function isPodKnown({ pod }: AttachmentRecord): boolean {
  return pod.namespace !== '' && pod.name !== '';
}

function replaces(other: AttachmentRecord, record: AttachmentRecord, bootId: string): boolean {
  return (
    isPodKnown(record) &&
    other.state === 'ready' &&
    other.key.containerID !== record.key.containerID &&
    other.key.network === record.key.network &&
    other.key.ifname === record.key.ifname &&
    other.pod.namespace === record.pod.namespace &&
    other.pod.name === record.pod.name &&
    later(other.stamp, record.stamp, bootId)
  );
}
