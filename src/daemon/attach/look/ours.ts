import { later } from '../../../cni/stamp.ts';
import type { Kernel, Link } from '../../../kernel/types.ts';
import { sameAddress } from '../../../net/address.ts';
import { parseInterfaceAddress } from '../../../net/prefix.ts';
import type { AttachmentRecord, Store } from '../../../store/types.ts';
import { hasMac } from './present.ts';

/**
 * The namespace of a record, if it still stands: its path, or the one that the caller names now, leads to the namespace that
 * ADD saw. A path may be reused for another namespace, and then nothing in there is ours.
 */
export function livingNetns(
  kernel: Pick<Kernel, 'netnsId'>,
  record: Pick<AttachmentRecord, 'netns' | 'netnsId'>,
  also?: string,
): string | undefined {
  const paths = [record.netns, also ?? ''];
  return paths.find((path) => path !== '' && kernel.netnsId(path) === record.netnsId);
}

/** Links of the namespace that the record's delegates made, by the record's interface names. */
export function ourLinks(record: AttachmentRecord, links: readonly Link[]): readonly Link[] {
  const names = new Set(record.calls.map(({ ifname }) => ifname));
  return links.filter((link) => names.has(link.name));
}

/**
 * Whether the namespace only looks like the record's: the kernel gives the inode number of a namespace that is gone to the
 * next one at once, and the path may be the same too. Then a link of our name carries neither our MAC nor any address of
 * ours, or a later attachment in the same place has the name.
 */
export function isReplaced(
  record: AttachmentRecord,
  links: readonly Link[],
  attachments: Store['attachments'],
  currentBoot: string,
): boolean {
  return (
    ourLinks(record, links).some((link) => isForeign(record, link)) ||
    [...attachments.values()].some((other) => supersedes(other, record, currentBoot))
  );
}

function isForeign(record: AttachmentRecord, link: Link): boolean {
  const made = record.result?.interfaces.find(({ name, sandbox }) => name === link.name && sandbox !== undefined);
  // Not answered yet: ADD saw that the name was free, so what has it now was made for us.
  if (made === undefined || hasMac(link, made)) return false;
  const answered = record.result?.ips.map((ip) => parseInterfaceAddress(ip.address).address) ?? [];
  return !answered.some((held) => link.addresses.some(({ address }) => sameAddress(address, held)));
}

function supersedes(other: AttachmentRecord, record: AttachmentRecord, currentBoot: string): boolean {
  if (other === record || other.netnsId !== record.netnsId || other.netns !== record.netns) return false;
  if (!later(other.stamp, record.stamp, currentBoot)) return false;
  return other.calls.some(({ ifname }) => record.calls.some((call) => call.ifname === ifname));
}
