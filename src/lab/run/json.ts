/**
 * Parses JSON that a program of the lab has written (its own records, the API server's log, a plugin's answer) as the type
 * that it writes. @throws SyntaxError
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names what it reads
export function parseOwn<T>(text: string): T {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- both ends are in this folder
  return JSON.parse(text) as T;
}
