import type { SliceHost } from '../api/kinds/cidrslice.ts';
import type { ClaimStatus } from '../api/kinds/hostinterface.ts';
import type { Member } from './members.ts';
import type { Ledger } from './types.ts';

// A daemon never takes a lower revision, so a ledger that was lost or restored goes on above the highest one claimed.

/** Revision of config and rails after the plan. */
export function networkRevision(ledger: Ledger, unchanged: boolean, members: readonly Member[]): number {
  const own = unchanged ? ledger.revision : ledger.revision + 1;
  let claimed = 0;
  for (const { claim } of members) claimed = Math.max(claimed, claim?.revision.network ?? 0);
  return claimed > ledger.revision ? claimed + 1 : own;
}

/**
 * Revision of a host's entry after the plan. It also moves when the host shall drain and its daemon still serves at the
 * entry's revision, or the other way round: the daemon acknowledges revisions, so each change of mind needs one.
 */
export function hostRevision(
  before: SliceHost | undefined,
  unchanged: boolean,
  claim: ClaimStatus | undefined,
  drains: boolean,
): number {
  const own = (before?.revision ?? 0) + (unchanged ? 0 : 1);
  const claimed = claim?.revision.host ?? 0;
  const serves = (claim?.acknowledged ?? 'Serving') === 'Serving';
  if (before === undefined) {
    // Not in the ledger and draining: the daemon that has acknowledged is told the same again.
    return claim !== undefined && drains && !serves ? claimed : claimed + 1;
  }
  if (claimed > before.revision) return claimed + 1;
  if (claim !== undefined && drains === serves && claimed >= own) return claimed + 1;
  return own;
}
