/** The item at a place of a list. @throws Error when there is none */
export function item<T>(list: readonly T[], at: number): T {
  const found = list[at];
  if (found === undefined) throw new Error(`there is no item ${at} among ${list.length}`);
  return found;
}
