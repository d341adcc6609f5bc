/** Colours, or plain text where the output is no terminal. */
export interface Style {
  title(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  dim(text: string): string;
}

/** NO_COLOR (https://no-color.org) switches colours off on a terminal, too. */
export function createStyle(isTerminal: boolean, env: NodeJS.ProcessEnv): Style {
  const coloured = isTerminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  const paint = (code: number) => (text: string) => (coloured ? `\u001B[${code}m${text}\u001B[0m` : text);
  return { title: paint(1), good: paint(32), bad: paint(31), dim: paint(2) };
}
