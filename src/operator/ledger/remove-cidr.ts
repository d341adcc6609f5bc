import type { CIDR } from '../../api/kinds/cidr.ts';
import { resources } from '../../kube/calls/resource.ts';
import type { Context } from '../context.ts';
import { put, remove } from '../writes.ts';

/** On CIDRs that multi-nic-cni has made: nobody takes it off any more, and with it a deleted CIDR stays. */
const formerFinalizer = 'finalizers.cidr.multinic.fms.io';

/** Deletes that very version of a CIDR; the finalizer of multi-nic-cni is taken off before, also of one whose deletion waits for it. */
export async function removeCidr({ client, caches }: Context, cidr: CIDR, signal: AbortSignal): Promise<void> {
  const { metadata } = cidr;
  const target = { client, ref: resources.cidrs, cache: caches.cidrs };
  if (!(metadata.finalizers ?? []).includes(formerFinalizer)) return remove(target, cidr, signal);
  const finalizers = (metadata.finalizers ?? []).filter((one) => one !== formerFinalizer);
  const bare = { ...cidr, metadata: { ...metadata, finalizers } };
  await put(target, bare, signal);
  const left = caches.cidrs.get(metadata.name);
  if (left !== undefined && left.metadata.deletionTimestamp === undefined) {
    await remove(target, left, signal);
  }
}
