import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');
/** Where benches build and keep things; on disk, not in memory. */
export const built = join(root, 'build/bench');

/** Compiles one of the C programs of this folder, static; answers its path. */
export function compile(name: 'timed' | 'empty'): string {
  mkdirSync(built, { recursive: true });
  const output = join(built, name);
  const source = join(import.meta.dirname, `${name}.c`);
  execFileSync(process.env['CC'] ?? 'gcc', ['-Os', '-static', '-s', '-o', output, source]);
  return output;
}

export interface TimedCall {
  /** Words before `timed`, for example an nsenter: their time does not count. */
  readonly prefix?: readonly string[];
  readonly timed: string;
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
}

/** Runs a program; answers ms from its start to its end. @throws Error with what it printed, when it fails */
export function time(call: TimedCall): number {
  const [command, ...args] = [...(call.prefix ?? []), call.timed, call.program];
  const { status, stdout, stderr } = spawnSync(command, args, {
    env: { ...call.env },
    input: call.stdin,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${call.program} ended with status ${status}: ${stdout} ${stderr}`);
  return Number(stderr.trim().split('\n').at(-1)) / 1e6;
}
