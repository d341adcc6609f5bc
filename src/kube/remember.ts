/** Sets it as the newest, and forgets the oldest beyond the limit. */
export function remember<T>(known: Map<string, T>, key: string, value: T, limit: number): void {
  known.delete(key);
  known.set(key, value);
  for (const oldest of known.keys()) {
    if (known.size <= limit) break;
    known.delete(oldest);
  }
}
