/** Serialises work by key; different keys run side by side. Waiters are served in the order they came. */
export interface KeyedMutex {
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** Keys that are held or waited for. */
  readonly size: number;
}

export function createKeyedMutex(): KeyedMutex {
  const tails = new Map<string, Promise<unknown>>();
  return {
    get size() {
      return tails.size;
    },
    async run(key, work) {
      const before = tails.get(key) ?? Promise.resolve();
      const mine = before.then(work);
      // A waiter goes on whether the one before it failed or not.
      const tail = mine.catch(() => {});
      tails.set(key, tail);
      try {
        return await mine;
      } finally {
        if (tails.get(key) === tail) tails.delete(key);
      }
    },
  };
}
