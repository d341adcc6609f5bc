import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCall } from '../../cni/call.ts';
import { later, parseStamp } from '../../cni/stamp.ts';
import type { Stamp } from '../../cni/types.ts';
import { decodeRequest, type WireCall } from '../../cni/wire.ts';

/** One spooled call by its file name; what is in it is read when its turn comes. */
export interface SpoolFile {
  readonly name: string;
  readonly stamp: Stamp;
}

/** Folder inside the spool for entries that cannot be replayed. */
export const brokenFolder = 'broken';

/** `<ns, 20 digits>-<boot id>-<pid>`, as src/shim/multi-nic.c writes it. */
const fileName = /^(\d{20})-([0-9a-f-]{36})-\d+$/;

export function stampOf(name: string): Stamp | undefined {
  const [, ns, bootId] = fileName.exec(name) ?? [];
  return ns === undefined || bootId === undefined ? undefined : parseStamp(`${bootId}/${BigInt(ns)}`);
}

/** What lies in the spool: entries with the oldest stamp first, names that no shim gives, and unfinished files. */
export interface SpoolListing {
  readonly entries: readonly SpoolFile[];
  readonly foreign: readonly string[];
  /** Begun by a shim that has not answered yet, or that was killed. */
  readonly unfinished: readonly string[];
}

/** Lists the spool. A folder that does not exist is empty. */
export async function listSpool(dir: string, currentBootId: string): Promise<SpoolListing> {
  const names = (await readDirectory(dir)).filter((name) => name !== brokenFolder);
  const unfinished = names.filter((name) => name.startsWith('.'));
  const entries: SpoolFile[] = [];
  const foreign: string[] = [];
  for (const name of names.filter((name) => !name.startsWith('.'))) {
    const stamp = stampOf(name);
    if (stamp === undefined) foreign.push(name);
    else entries.push({ name, stamp });
  }
  return { entries: entries.sort((a, b) => compare(a, b, currentBootId)), foreign, unfinished };
}

/** Reads an entry whole. @throws CniError when it is no call that could ever be served */
export async function readEntry(dir: string, name: string): Promise<WireCall> {
  const call = decodeRequest(await readFile(join(dir, name)));
  parseCall(call);
  return call;
}

/** Among earlier boots there is no order to be known; their ids give a stable one. */
function compare(a: SpoolFile, b: SpoolFile, currentBootId: string): number {
  if (a.stamp.bootId !== b.stamp.bootId && a.stamp.bootId !== currentBootId && b.stamp.bootId !== currentBootId) {
    return a.stamp.bootId < b.stamp.bootId ? -1 : 1;
  }
  if (later(a.stamp, b.stamp, currentBootId)) return 1;
  return later(b.stamp, a.stamp, currentBootId) ? -1 : 0;
}

async function readDirectory(dir: string): Promise<readonly string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
