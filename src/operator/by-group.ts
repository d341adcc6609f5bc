import type { Reflector } from '../kube/copy/reflector.ts';

/** Finds cached objects by something else than their key, at the cost of what is found. */
export interface ByGroup<T> {
  of(group: string): T[];
  has(group: string): boolean;
}

/** Groups the objects of a reflector; to be made before other handlers are added, which may ask it. */
export function byGroup<T>(reflector: Reflector<T>, groupsOf: (value: T) => readonly string[]): ByGroup<T> {
  const keys = new Map<string, Set<string>>();
  reflector.onChange(({ key, old, new: now }) => {
    for (const group of old === undefined ? [] : groupsOf(old)) {
      const members = keys.get(group);
      members?.delete(key);
      if (members?.size === 0) keys.delete(group);
    }
    for (const group of now === undefined ? [] : groupsOf(now)) {
      const members = keys.get(group);
      if (members === undefined) keys.set(group, new Set([key]));
      else members.add(key);
    }
  });
  return {
    has: (group) => keys.has(group),
    of: (group) => Array.from(keys.get(group) ?? []).flatMap((key) => reflector.get(key) ?? []),
  };
}
