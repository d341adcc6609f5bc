import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isObject } from '../../src/cni/fields.ts';
import { NotApplicable } from './statement.ts';
import type { DelegateInfo, Json } from './subject.ts';
import type { Trial } from './trial.ts';

/** One call that a delegate got. */
export interface SeenCall {
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
  readonly config: Json;
}

/** A program in the place of the delegate, which notes each call and then does as told (recorder.c). */
export interface FakeDelegate {
  /** Its directory. */
  readonly folder: string;
  readonly file: string;
  /** CNI_PATH with it in front. */
  readonly path: readonly string[];
  /** Calls so far (but VERSION), in their order. */
  calls(): readonly SeenCall[];
}

/** @throws NotApplicable for a plugin that runs no other */
export function delegateOf({ subject }: Trial): DelegateInfo {
  if (subject.delegate === undefined) throw new NotApplicable('it runs no other plugin');
  return subject.delegate;
}

/**
 * Makes a stand-in for the delegate. `script` is shell that may end the program itself; else the real plugin goes on. It has
 * `$real`, `$in` (stdin), `$notes` (a folder), `$master` (of the configuration) and CNI's variables. It runs for VERSION too.
 */
export function fakeDelegate(trial: Trial, name: string, script = ''): FakeDelegate {
  const { type, folder: realFolder } = delegateOf(trial);
  const folder = join(trial.folder, name);
  const notes = join(folder, 'notes');
  mkdirSync(notes, { recursive: true });
  const file = join(folder, type);
  const text = `#!${trial.recorder} ${join(realFolder, type)}\n${script}\n`;
  writeFileSync(file, text, { mode: 0o755 });
  return { folder, file, path: [folder, ...trial.subject.path], calls: () => callsIn(notes) };
}

function callsIn(notes: string): SeenCall[] {
  return readdirSync(notes)
    .filter((name) => name.endsWith('.call'))
    .sort()
    .map((name) => seenCall(readFileSync(join(notes, name), 'utf8')));
}

function seenCall(text: string): SeenCall {
  const at = text.indexOf('\n\n');
  const lines = text.slice(0, at).split('\n');
  const env = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  const stdin = text.slice(at + 2);
  return { command: env['CNI_COMMAND'] ?? '', env, stdin, config: readConfig(stdin) };
}

function readConfig(stdin: string): Json {
  try {
    const json: unknown = JSON.parse(stdin);
    return isObject(json) ? json : {};
  } catch {
    return {};
  }
}

/** Shell: prints a CNI error object and fails. */
export function failWith(code: number, msg: string): string {
  return `{ printf '{"cniVersion":"1.0.0","code":${code},"msg":"${msg}"}'; exit 1; }`;
}

/** Shell: the delegate speaks 1.1.0, whatever the real one does; the real one gets 1.0.0. */
export const speaksNewest = `
if [ "$CNI_COMMAND" = VERSION ]; then
  echo '{"cniVersion":"1.1.0","supportedVersions":["0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}'; exit 0
fi
asked=$(printf '%s' "$in" | sed -n 's/.*"cniVersion":"\\([^"]*\\)".*/\\1/p')
case "$CNI_COMMAND" in ADD|DEL|CHECK) in=$(printf '%s' "$in" | sed 's/"cniVersion":"1.1.0"/"cniVersion":"1.0.0"/g') ;; esac
`;
