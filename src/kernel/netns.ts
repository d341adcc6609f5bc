import { statfsSync, statSync } from 'node:fs';

/** NSFS_MAGIC (linux/magic.h): the file system that namespace files live on. */
const nsfs = 0x6e736673;

/** `<device>:<inode>` of a namespace file; undefined when it is gone, or a plain file that a namespace was once bound to. */
export function netnsId(path: string): string | undefined {
  try {
    if (statfsSync(path).type !== nsfs) return undefined;
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
