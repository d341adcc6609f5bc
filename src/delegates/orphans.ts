import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttachmentKey } from '../cni/types.ts';

/** In the environment of every delegate, and so of what it starts: for which attachment, and for which daemon. */
export const attachmentVariable = 'MULTINIC_ATTACHMENT';
export const ownerVariable = 'MULTINIC_OWNER';

/** Marks a process of a daemon's that works for no one attachment, as the one that starts its programs. */
export function ownerMark(owner: string): Readonly<Record<string, string>> {
  return { [ownerVariable]: owner };
}

/** A process that an earlier run of this daemon started. */
export interface Orphan {
  readonly pid: number;
  /** `<network>/<container>/<ifname>` */
  readonly attachment: string;
}

export function attachmentText(key: AttachmentKey): string {
  return `${key.network}/${key.containerID}/${key.ifname}`;
}

/** Ticks since boot at which a process began (proc(5), stat, 22): with the pid it names a process for good. */
export function startTime(pid: number): string | undefined {
  return statOf(pid)?.[19];
}

/** What the owner runs itself, and so is no orphan. */
export interface OwnProcesses {
  /** Whether a process group is one of it. */
  has(group: number): boolean;
  /** Resolves when all that was started until now is known to `has`. */
  known(): Promise<unknown>;
}

/**
 * Kills every process that carries the owner's mark, is no child of this one and belongs to none of its own process groups, and waits until all are
 * gone: a delegate of an earlier run could make a link with an address that is free by now.
 * @param attachment only those of one attachment
 * @returns what was ended
 * @throws Error naming a process that does not go within the limit
 */
export async function endOrphans(
  owner: string,
  own: OwnProcesses,
  limitMs = 10_000,
  attachment?: string,
): Promise<Orphan[]> {
  const ended = new Map<number, Orphan>();
  const deadline = performance.now() + limitMs;
  // Again until nothing is found: one of them may have forked in between.
  for (;;) {
    const found = await orphansOf(owner, own, attachment);
    if (found.length === 0) return [...ended.values()];
    const [first] = found;
    if (first !== undefined && performance.now() > deadline) {
      throw new Error(
        `process ${first.pid} of attachment ${first.attachment} does not end, ${limitMs} ms after SIGKILL`,
      );
    }
    for (const orphan of found) {
      ended.set(orphan.pid, orphan);
      kill(orphan.pid);
    }
    await sleep(5);
  }
}

async function orphansOf(owner: string, own: OwnProcesses, attachment: string | undefined): Promise<Orphan[]> {
  const marked = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .flatMap((pid) => {
      if (pid === process.pid) return [];
      const environment = environmentOf(pid);
      if (environment?.[ownerVariable] !== owner) return [];
      const one = { pid, attachment: environment[attachmentVariable] ?? '' };
      return attachment === undefined || one.attachment === attachment ? [one] : [];
    });
  // One that was started a moment ago may be seen here before its starter was told.
  if (marked.length > 0) await own.known();
  return marked.filter(({ pid }) => {
    const [, parent, group] = statOf(pid) ?? [];
    return Number(parent) !== process.pid && !own.has(Number(group));
  });
}

/** Undefined when the process is gone (a zombie's is empty). */
function environmentOf(pid: number): Record<string, string> | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/environ`, 'utf8');
    if (!text.includes(ownerVariable)) return undefined;
    return Object.fromEntries(
      text.split('\0').map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
    );
  } catch {
    return undefined;
  }
}

/** Fields of /proc/<pid>/stat from the third (state) on; the second may hold blanks and brackets. */
function statOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone.
  }
}
