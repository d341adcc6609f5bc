import type { Context } from '../context.ts';
import type { Assignments } from '../decide/desired.ts';
import type { NetworkView } from '../decide/view.ts';
import { equal } from '../equal.ts';

/**
 * Hands assignments, which now stand in the ledger, to the host controller: to the hosts whose entry is to change, and to those that
 * say something else than they shall (an operator that has just started knows of no change).
 */
export function publish({ desired, queues }: Context, { object, hosts }: NetworkView, assignments: Assignments): void {
  for (const host of desired.set(object.metadata.name, assignments)) queues.host.add(host);
  for (const { hostName, published } of hosts) {
    if (!equal(published, assignments.get(hostName))) queues.host.add(hostName);
  }
}
