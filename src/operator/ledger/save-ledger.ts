import type { MultiNicNetwork } from '../../api/kinds/multinicnetwork.ts';
import type { Ledger } from '../../ipam/types.ts';
import { resources } from '../../kube/calls/resource.ts';
import type { Context } from '../context.ts';
import { eachOf, put, remove } from '../writes.ts';
import { removeCidr } from './remove-cidr.ts';
import { ledgerWrites } from './write-ledger.ts';

/** `saved`: the objects hold the ledger. `later`: come again after `ms`. */
export type LedgerStep = { readonly kind: 'saved' } | { readonly kind: 'later'; readonly ms: number };

/** Hosts that join one after another share writes: at most one for each slice and second. */
const sliceEveryMs = 1_000;

/**
 * Writes what differs, the head first (slices refer to its rails), each over the version that it was decided on: a conflict is thrown
 * and nothing may be published.
 */
export async function saveLedger(
  context: Context,
  object: MultiNicNetwork,
  before: Ledger,
  after: Ledger,
  signal: AbortSignal,
): Promise<LedgerStep> {
  const { caches, client } = context;
  const { name, uid } = object.metadata;
  const ofSlices = { client, ref: resources.cidrSlices, cache: caches.slices };
  const cidr = caches.cidrs.get(name);
  const slices = caches.slicesOf.of(name);
  const stale = cidr !== undefined && cidr.spec?.config?.uid !== uid;
  const staleSlices = slices.filter((slice) => slice.spec?.uid !== uid);
  if (stale || staleSlices.length > 0) {
    // Left by a network that had the name before, or by multi-nic-cni.
    if (stale) await removeCidr(context, cidr, signal);
    for (const slice of staleSlices) await remove(ofSlices, slice, signal);
    return { kind: 'later', ms: 100 };
  }
  if (before === after) return { kind: 'saved' };
  const writes = ledgerWrites(object, after, cidr, slices);
  const now = context.clock.now();
  // What is longer ago holds up nothing.
  for (const [name, at] of context.sliceWrites) if (at + sliceEveryMs <= now) context.sliceWrites.delete(name);
  const wait = Math.max(
    0,
    ...writes.slices.map((slice) => (context.sliceWrites.get(slice.metadata.name) ?? -Infinity) + sliceEveryMs - now),
  );
  if (wait > 0) return { kind: 'later', ms: wait };
  if (writes.cidr !== undefined) {
    await put({ client, ref: resources.cidrs, cache: caches.cidrs }, writes.cidr, signal);
  }
  await eachOf(writes.slices, context.width, async (slice) => {
    await put(ofSlices, slice, signal);
    // Only now: what failed is held back by its back-off, which a visit that writes nothing would end.
    context.sliceWrites.set(slice.metadata.name, now);
  });
  for (const slice of writes.deleteSlices) await remove(ofSlices, slice, signal);
  return { kind: 'saved' };
}
