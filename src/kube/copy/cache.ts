/** A change of one object as handlers see it: at least one of `old` and `new` is there. */
export interface Change<T> {
  readonly key: string;
  readonly old?: T;
  readonly new?: T;
}

/** What is known of the objects of one resource, by key (`name`, or `namespace/name`). */
export interface CacheView<T> {
  get(key: string): T | undefined;
  has(key: string): boolean;
  list(): T[];
  keys(): string[];
  readonly size: number;
}

/** A value under the version that the server gave it. */
export interface Versioned<T> {
  readonly key: string;
  readonly version: string;
  readonly value: T;
}

/**
 * The store behind a reflector. Each method returns what changed. Besides what the watch says it takes what our own writes were
 * answered with (`learn`, `forget`), so that a controller never decides on the state before its own last write.
 */
export interface ObjectCache<T> extends CacheView<T> {
  /** An ADDED or MODIFIED event. */
  put(item: Versioned<T>): Change<T> | undefined;
  /** A DELETED event. */
  remove(key: string, version: string): Change<T> | undefined;
  /** A bookmark. */
  advance(version: string): void;
  /** A complete list, taken at `version`. */
  replaceAll(items: readonly Versioned<T>[], version: string): Change<T>[];
  /** The answer to a write of ours. Ignored when the watch has passed it already. */
  learn(item: Versioned<T>): Change<T> | undefined;
  /** A deletion of ours of that very version. Ignored when the watch has passed it already. */
  forget(key: string, version: string): Change<T> | undefined;
}

interface Entry<T> {
  readonly version: string;
  readonly value: T;
  /** From `learn`, not yet confirmed by the watch: a list that is older does not take it away. */
  readonly learned: boolean;
}

/**
 * Orders two resourceVersions: the API defines them as comparable decimal numbers of any length (KEP-5504); what is no such number
 * counts as newest, so that nothing is held back by it.
 */
export function compareVersions(a: string, b: string): number {
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return a === b ? 0 : 1;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** @param same values that differ in nothing that matters: an update between them is stored, but reported to nobody. */
export function createCache<T>(same: (a: T, b: T) => boolean = () => false): ObjectCache<T> {
  const entries = new Map<string, Entry<T>>();
  /** The newest version that the watch or a list has brought. */
  let passed = '0';

  function store({ key, version, value }: Versioned<T>, learned: boolean): Change<T> | undefined {
    const old = entries.get(key);
    if (old !== undefined && compareVersions(version, old.version) <= 0) {
      if (old.learned && !learned && version === old.version) entries.set(key, { ...old, learned: false });
      return undefined;
    }
    entries.set(key, { version, value, learned });
    if (old === undefined) return { key, new: value };
    return same(old.value, value) ? undefined : { key, old: old.value, new: value };
  }

  function drop(key: string): Change<T> | undefined {
    const old = entries.get(key);
    entries.delete(key);
    return old === undefined ? undefined : { key, old: old.value };
  }

  const advance = (version: string): void => {
    if (compareVersions(version, passed) > 0) passed = version;
  };

  return {
    get: (key) => entries.get(key)?.value,
    has: (key) => entries.has(key),
    list: () => Array.from(entries.values(), (entry) => entry.value),
    keys: () => Array.from(entries.keys()),
    get size() {
      return entries.size;
    },
    advance,
    put: (item) => {
      // Told twice: what has been deleted since does not come back.
      if (!entries.has(item.key) && compareVersions(item.version, passed) <= 0) return undefined;
      advance(item.version);
      return store(item, false);
    },
    remove: (key, version) => {
      advance(version);
      const old = entries.get(key);
      // A deletion of the object's predecessor that arrives after we made its successor.
      if (old !== undefined && compareVersions(version, old.version) < 0) return undefined;
      return drop(key);
    },
    learn: (item) => (compareVersions(item.version, passed) <= 0 ? undefined : store(item, true)),
    // Says nothing of how far the watch has come: the deletion's own version is not known.
    forget: (key, version) => (entries.get(key)?.version === version ? drop(key) : undefined),
    // After a restore of etcd versions start lower: the list counts, whatever was known, but for our own last writes.
    replaceAll: (items, version) => {
      const listed = new Set(items.map((item) => item.key));
      const ahead = (key: string): boolean => {
        const entry = entries.get(key);
        return entry?.learned === true && compareVersions(entry.version, version) > 0;
      };
      const gone = Array.from(entries.keys()).filter((key) => !listed.has(key) && !ahead(key));
      const changes = [
        ...gone.map(drop),
        ...items
          .filter((item) => !ahead(item.key))
          .map(({ key, version, value }) => {
            const old = entries.get(key);
            entries.set(key, { version, value, learned: false });
            if (old === undefined) return { key, new: value };
            return old.version === version || same(old.value, value) ? undefined : { key, old: old.value, new: value };
          }),
      ];
      passed = version;
      return changes.filter((change) => change !== undefined);
    },
  };
}
