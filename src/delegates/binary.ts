import { statSync } from 'node:fs';
import { CniError, code } from '../api/cni-error.ts';

/**
 * Path of the plugin of that name, as the host sees it; `root` is where its files are seen from here.
 * @throws CniError 103 naming plugin and CNI_PATH, 4 for a name with a separator
 */
export function findBinary(root: string, directories: readonly string[], name: string): string {
  if (!/^[\w.-]+$/.test(name) || name.startsWith('.')) {
    throw new CniError(code.invalidEnvironment, `"${name}" is no name of a plugin binary`);
  }
  const files = directories.map((directory) => `${directory}/${name}`);
  const found = files.find((file) => isProgram(`${root}${file}`));
  if (found !== undefined) return found;
  const there = files.filter((file) => statSync(`${root}${file}`, { throwIfNoEntry: false }) !== undefined);
  const why = there.length === 0 ? '' : `; ${there.join(', ')} cannot be executed`;
  throw new CniError(
    code.delegate,
    `the delegate ${name} is in no directory of CNI_PATH (${directories.join(':')})${why}: install the CNI plugins on this host`,
  );
}

/** A file that someone may execute: folders and data of that name are passed over, as a shell does. */
function isProgram(file: string): boolean {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat?.isFile() === true && (stat.mode & 0o111) !== 0;
}

/** Changes whenever the file is another. */
export function stampOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeMs}`;
}
