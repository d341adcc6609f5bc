import type { Lab } from '../lab.ts';
import { difference, type Leftover } from '../leftovers/difference.ts';
import type { Listing } from '../leftovers/item.ts';
import { listLab } from '../leftovers/listing.ts';

/** How long things may take to go, ms: a daemon may publish the end of the last attachment only then. */
const patience = 15_000;

/** What is left compared with the listing; asked again until nothing is, since daemons and kernel clear up behind the answers. */
export async function findLeftovers(lab: Lab, before: Listing): Promise<readonly Leftover[]> {
  const end = performance.now() + patience;
  for (;;) {
    const left = difference(before, await listLab(lab));
    if (left.length === 0 || performance.now() > end) return left;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
