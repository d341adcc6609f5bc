/** What any JSON object is. */
export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

/** The value as an object; an empty one when it is none. */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

/**
 * Takes what the API server sent as the type that its resource has. The server has validated every stored object against the CRD,
 * so nothing is checked again here; what a *user* wrote is judged by the gates of src/api.
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names the type of the resource that it asked for
export function trusted<T>(value: unknown): T {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one place where the API's types are believed
  return value as T;
}
