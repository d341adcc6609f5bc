import type { IpCommand } from './types.ts';

/**
 * An unknown object, given as the last line: with -force, `ip` complains about it by number, so its absence shows that `ip`
 * gave up before (an argument that it cannot parse ends the whole process, -force or not).
 */
const endMark = 'multinic-end-of-batch';

/** What came of a batch: per command undefined or the kernel's words; `stoppedAt` is where `ip` gave up, the rest did not run. */
export interface BatchOutcome {
  readonly results: (string | undefined)[];
  readonly stoppedAt?: number;
}

/**
 * The input of `ip -force -batch -`, one line a command.
 * @throws TypeError for a word that `ip` would split, join or take for a comment
 */
export function batchText(commands: readonly IpCommand[]): string {
  const lines = commands.map((command) => {
    const words = command.map(batchWord);
    if (words.includes(undefined) || words.length === 0) {
      throw new TypeError(`"${command.join(' ')}" cannot stand in an ip batch`);
    }
    return words.join(' ');
  });
  return `${[...lines, endMark].join('\n')}\n`;
}

/** In quotation marks where it is empty or has blanks; undefined where these would not help. */
function batchWord(word: string): string | undefined {
  if (/^[^\s'"#\\]+$/.test(word)) return word;
  return /^(?:[^\s'"#\\]| )*$/.test(word) ? `"${word}"` : undefined;
}

/** The leading commands that one process can run, as it is told the family once, and that family. */
export function nextRun(commands: readonly IpCommand[]): { family: 4 | 6; commands: IpCommand[] } {
  const isSix = (command: IpCommand | undefined): boolean => command?.[0] === '-6';
  const six = isSix(commands[0]);
  const end = commands.findIndex((command) => isSix(command) !== six);
  const part = commands.slice(0, end < 0 ? commands.length : end);
  return { family: six ? 6 : 4, commands: six ? part.map((command) => command.slice(1)) : part };
}

/** Maps what `ip -force -batch -` wrote to stderr back to the commands. */
export function readBatch(commands: readonly IpCommand[], stderr: string): BatchOutcome {
  const results: (string | undefined)[] = commands.map(() => undefined);
  let said: string[] = [];
  let last = -1;
  for (const line of stderr.split('\n')) {
    const failed = /^Command failed .*:(\d+)$/.exec(line);
    if (failed === null) {
      if (line !== '') said.push(line);
      continue;
    }
    last = Number(failed[1]) - 1;
    if (last < commands.length) results[last] = summary(said);
    said = [];
  }
  if (last >= commands.length) return { results };
  const stoppedAt = culprit(commands, last + 1, said);
  results[stoppedAt] = summary(said);
  return { results, stoppedAt };
}

/** One sentence for each command that the kernel refused. @param answers by position of the commands */
export function refusals(commands: readonly IpCommand[], answers: readonly (string | undefined)[]): string[] {
  return answers.flatMap((said, index) =>
    said === undefined ? [] : [`\`ip ${commands[index]?.join(' ')}\`: ${said}`],
  );
}

/** The command whose argument `ip` quotes in its complaint, from `start`; where none fits, `start`. */
function culprit(commands: readonly IpCommand[], start: number, said: readonly string[]): number {
  const quoted = said.flatMap((line) => [...line.matchAll(/"([^"]+)"/g)].map((match) => match[1]));
  const found = commands.findIndex((command, index) => index >= start && command.some((word) => quoted.includes(word)));
  return found < 0 ? start : found;
}

function summary(said: readonly string[]): string {
  return said.join('; ').slice(0, 500) || 'ip failed without a word';
}
