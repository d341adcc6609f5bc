import type { Writable } from 'node:stream';
import { createStyle, type Style } from './style.ts';

/** Says what the lab does, for people. */
export interface Printer {
  readonly style: Style;
  /** A new step. */
  title(text: string): void;
  readonly line: (text?: string) => void;
  /** Lines, indented, with the first as the head of a table. */
  table(lines: readonly string[]): void;
  /** Something is being done. */
  readonly progress: (text: string) => void;
  /** A command as the person could type it. */
  command(text: string): void;
  /** From now on it says nothing. */
  silence(): void;
}

export function createPrinter(out: Writable & { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): Printer {
  const style = createStyle(out.isTTY === true, env);
  let silent = false;
  const line = (text = '') => {
    if (!silent) out.write(`${text}\n`);
  };
  return {
    style,
    line,
    title: (text) => line(`\n${style.title(text)}`),
    table(lines) {
      for (const [at, text] of lines.entries()) line(`  ${at === 0 ? style.dim(text) : text}`);
    },
    progress: (text) => line(style.dim(`  … ${text}`)),
    silence() {
      silent = true;
    },
    command: (text) => line(`  ${style.title('$')} ${text}`),
  };
}
