import { closeSync, openSync, readSync } from 'node:fs';
import { launchDirectly } from '../spawner/direct.ts';
import type { Launch } from '../spawner/types.ts';
import { stampOf } from './binary.ts';
import { runPlugin } from './process.ts';

/** Whether a binary is the reference plugin of that name (containernetworking/plugins). Asked for once per file. */
export type IsReference = (binary: string, plugin: string) => Promise<boolean>;

export interface ReferenceOptions {
  /** All as of DelegatesOptions. */
  readonly launch?: Launch;
  readonly enter?: readonly string[];
  readonly root?: string;
}

/**
 * A program (no script around one) that calls itself `CNI <plugin> plugin …` when it is run without a command. Whatever
 * somebody put in its place, or wrapped around it, is something else and has to be run.
 */
export function createIsReference({
  launch = launchDirectly,
  enter = [],
  root = '',
}: ReferenceOptions = {}): IsReference {
  const known = new Map<string, { readonly stamp: string; readonly answer: Promise<boolean> }>();
  const ask = async (binary: string, plugin: string): Promise<boolean> => {
    if (!isElf(`${root}${binary}`)) return false;
    try {
      const limits = { timeoutMs: 5000, outputLimit: 64 * 1024 };
      const { stderr } = await runPlugin(launch, [...enter, binary], { env: {}, input: '', ...limits });
      return stderr.startsWith(`CNI ${plugin} plugin `);
    } catch {
      return false;
    }
  };
  return (binary, plugin) => {
    const stamp = stampOf(`${root}${binary}`);
    const before = known.get(binary);
    if (before?.stamp === stamp) return before.answer;
    const answer = ask(binary, plugin);
    known.set(binary, { stamp, answer });
    return answer;
  };
}

function isElf(file: string): boolean {
  try {
    const handle = openSync(file, 'r');
    try {
      const head = Buffer.alloc(4);
      return readSync(handle, head, 0, 4, 0) === 4 && head.toString('latin1') === '\x7fELF';
    } finally {
      closeSync(handle);
    }
  } catch {
    return false;
  }
}
