import type { AttachmentKey } from '../cni/types.ts';

/** The attachment's key as one text, for maps: no part can contain a slash (the CNI gate refuses it). */
export function keyText(key: AttachmentKey): string {
  return `${key.network}/${key.containerID}/${key.ifname}`;
}
