/**
 * Of known names the one that was probably meant: the fewest letters to change, at most two, and fewer than half of it. Letter case
 * does not count.
 */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((one) => ({ one, distance: distance(name.toLowerCase(), one.toLowerCase()) }))
    .filter(({ one, distance: letters }) => letters <= 2 && letters * 2 < one.length)
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.one;
}

/** Letters to insert, take away or replace to make one of the other (Levenshtein), a row of the table at a time. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (const [index, letter] of from.split('').entries()) {
    const next = [index + 1];
    for (const [at, other] of to.split('').entries()) {
      const replaced = (row[at] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
