/** JSON with bigints, as `{"$big":"7"}`. */
export function encode(value: unknown): string {
  return JSON.stringify(value, (_key, entry: unknown) =>
    typeof entry === 'bigint' ? { $big: entry.toString() } : entry,
  );
}

/** Reads what encode wrote; the caller knows the type. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export function decode<T>(text: string): T {
  const value: T = JSON.parse(text, (_key, entry: unknown) =>
    typeof entry === 'object' && entry !== null && '$big' in entry ? BigInt(String(entry.$big)) : entry,
  );
  return value;
}
