import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Shell: the real plugin, with the input that `on` has read. */
export const real = 'printf %s "$in" | $REAL';

/** Shell: notes that it was here (`wasKilled`), and kills itself. @param also further processes that die first, by id */
export function die(...also: readonly number[]): string {
  return ['echo > "${0%/*}/killed"', ...also.map((pid) => `kill -9 ${pid}`), 'kill -9 $$'].join('; ');
}

/** Shell: what is done at most once, for what is called again is not disturbed. */
export function once(script: string): string {
  return `[ -e "\${0%/*}/killed" ] || { ${script}; }`;
}

/** Shell that does something in one call, by `$CNI_COMMAND $CNI_IFNAME`, and is the real plugin else; its input is in `$in`. */
export function on(pattern: string, script: string): string {
  return `in=$(cat); case "$CNI_COMMAND $CNI_IFNAME" in ${pattern}) ${script};; esac; ${real}`;
}

/** A script in the place of a program, which is `$REAL`. @returns its file */
export function standIn(folder: string, program: string, script: string): string {
  const file = join(folder, program.slice(program.lastIndexOf('/') + 1));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\nREAL=${program}\n${script}\n`, { mode: 0o755 });
  return file;
}
