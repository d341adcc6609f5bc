/** What iproute2 prints is read through these: a field of another type than expected counts as absent. */
export type Json = Readonly<Record<string, unknown>>;

/**
 * Parses the output of `ip -json`: an array of objects; nothing at all and the lone `[` of a failed dump are empty arrays.
 * @throws SyntaxError when it is no JSON array
 */
export function parseObjects(text: string): Json[] {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed === '[') return [];
  const value: unknown = JSON.parse(trimmed);
  if (!Array.isArray(value)) throw new SyntaxError(`ip printed no JSON array: ${trimmed.slice(0, 80)}`);
  return value.filter(isObject);
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function text(object: Json, key: string): string | undefined {
  const value = object[key];
  return typeof value === 'string' ? value : undefined;
}

/** A number, or a text of digits (`ip -N` prints table, protocol, scope and type as texts). */
export function integer(object: Json, key: string): number | undefined {
  const value = object[key];
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : undefined;
}

export function objects(object: Json, key: string): Json[] {
  const value = object[key];
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function texts(object: Json, key: string): string[] {
  const value = object[key];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

export function child(object: Json, key: string): Json {
  const value = object[key];
  return isObject(value) ? value : {};
}
