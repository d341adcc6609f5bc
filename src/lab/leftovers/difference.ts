import type { Item, Listing } from './item.ts';

/** Something that stands now and did not, or the other way round. */
export interface Leftover extends Item {
  readonly change: 'added' | 'missing';
}

/** What differs between two listings: each thing counted as often as it stands more, or less, than before. */
export function difference(before: Listing, after: Listing): Leftover[] {
  const counts = new Map<string, { item: Item; count: number }>();
  const add = (item: Item, by: number) => {
    const key = [item.kind, item.place, item.text].join('\0');
    counts.set(key, { item, count: (counts.get(key)?.count ?? 0) + by });
  };
  for (const item of after) add(item, 1);
  for (const item of before) add(item, -1);
  return [...counts.values()].flatMap(({ item, count }) =>
    Array.from({ length: Math.abs(count) }, () => ({ ...item, change: count > 0 ? ('added' as const) : 'missing' })),
  );
}

/** `added on host1: link net1`. */
export function leftoverText({ change, kind, place, text }: Leftover): string {
  return `${change} on ${place}: ${kind} ${text}`;
}
