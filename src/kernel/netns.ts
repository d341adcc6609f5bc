import { statfsSync, statSync } from 'node:fs';
import type { Netns } from './types.ts';

/** NSFS_MAGIC (linux/magic.h): the file system that namespace files live on. */
const nsfs = 0x6e736673;

/** Puts a program into a network namespace: nsenter replaces itself by it, so this costs an exec, no process. */
export function inNetns(argv: readonly string[], netns: Netns): string[] {
  return netns === undefined ? [...argv] : ['nsenter', `--net=${netns}`, ...argv];
}

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
