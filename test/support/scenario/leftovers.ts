import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../../../src/lab/lab.ts';
import { difference, leftoverText } from '../../../src/lab/leftovers/difference.ts';
import type { Listing } from '../../../src/lab/leftovers/item.ts';
import { listLab } from '../../../src/lab/leftovers/listing.ts';

/**
 * What stands on the hosts and in the cluster. Not this machine's own namespaces, where other labs may be at work, and not what
 * the kernel does a second after a link is up.
 */
export async function listing(lab: Lab): Promise<Listing> {
  return (await listLab(lab)).filter(({ place, text }) => place !== 'machine' && !text.startsWith('local fe80::'));
}

/** What differs from the listing, one line each. It is looked for again, for up to a minute, until nothing does: pools are published 10 s later. */
export async function leftovers(lab: Lab, before: Listing): Promise<string[]> {
  const end = performance.now() + 60_000;
  for (;;) {
    const left = difference(before, await listing(lab));
    if (left.length === 0 || performance.now() > end) return left.map(leftoverText);
    // A listing is hundreds of processes.
    await sleep(300);
  }
}
