/**
 * Compiles a pattern for interface names: `*` any text, `?` one character, `[a-c]` and `[!a-c]` one of a set; all else means
 * itself. The whole name must match.
 * @throws RangeError naming a pattern whose set is not closed or runs backwards
 */
export function globToRegExp(glob: string): RegExp {
  const pattern = glob.replace(/\[(!?)([^\]]+)\]|[\s\S]/g, (part, not: string | undefined, set: string | undefined) => {
    if (set !== undefined) return `[${not === '!' ? '^' : ''}${set.replace(/[\\^[]/g, '\\$&')}]`;
    if (part === '*') return '.*';
    if (part === '?') return '.';
    if (part === '[') throw new RangeError(`"${glob}" is no name pattern: "[" without "]" (example: eth[1-9]*)`);
    return part.replace(/[.+^${}()|\]\\/]/, '\\$&');
  });
  try {
    return new RegExp(`^${pattern}$`);
  } catch (cause) {
    throw new RangeError(`"${glob}" is no name pattern (example: eth[1-9]*)`, { cause });
  }
}

/** Whether a name matches one of the patterns. */
export function matchesAny(name: string, globs: readonly string[]): boolean {
  return globs.some((glob) => globToRegExp(glob).test(name));
}
