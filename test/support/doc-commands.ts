import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

/** A shell block of the documentation. */
export interface Block {
  /** file:line of its first line. */
  readonly place: string;
  /** Marked ```sh run: a test runs it whole, from the repository's root. */
  readonly run: boolean;
  readonly commands: readonly string[];
}

/** Every ```sh block of a Markdown text. */
export function shellBlocks(file: string, text: string): Block[] {
  const lines = text.split('\n');
  return lines.flatMap((line, at) => {
    const fence = /^```sh( run)?$/.exec(line);
    if (fence === null) return [];
    const body = lines.slice(at + 1, lines.indexOf('```', at + 1));
    const commands = body.filter((command) => command.trim() !== '' && !command.startsWith('#'));
    return [{ place: `${file}:${at + 2}`, run: fence[1] !== undefined, commands }];
  });
}

/** Every shell block of the documentation. */
export function documentedBlocks(): Block[] {
  const files = globSync(
    ['*.md', 'docs/**/*.md', 'bench/*.md', 'src/kube/*.md', 'examples/**/*.md', 'deploy/**/*.md'],
    { cwd: root },
  );
  return files.toSorted().flatMap((file) => shellBlocks(file, readFileSync(join(root, file), 'utf8')));
}

/** Commands of ```console blocks of a Markdown text, in lists too, without the prompt. */
export function consoleLines(text: string): string[] {
  return [...text.matchAll(/^( *)```console\n(.*?)^\1```$/gms)].flatMap(([, , block = '']) =>
    block.split('\n').flatMap((line) => /^ *\$ (.*)$/.exec(line)?.[1] ?? []),
  );
}

/** The same as argument vectors (quotes are taken off). */
export function consoleCommands(text: string): string[][] {
  return consoleLines(text).map(words);
}

function words(command: string): string[] {
  return [...command.matchAll(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g)].map(([word]) =>
    word.replaceAll(/'([^']*)'|"([^"]*)"/g, (_, single?: string, double?: string) => single ?? double ?? ''),
  );
}
