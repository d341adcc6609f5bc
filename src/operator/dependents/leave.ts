import type { KubeObject } from '../../api/meta.ts';
import type { Context } from '../context.ts';
import { getLive } from '../gone.ts';
import { resourceAnnotation } from '../nads/nad.ts';
import { remove } from '../writes.ts';
import { isOfNetwork } from './owned.ts';
import { sriovNetworkName } from './sriov.ts';

/** Deletes what an earlier spec needed: a NAD with another resource tells of an earlier plugin, or name; it is written after this. */
export async function leaveEarlier(
  context: Context,
  network: string,
  resource: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const told = context.caches.nadsOf.of(network).map(({ metadata }) => metadata.annotations?.[resourceAnnotation]);
  if (told.some((one) => one !== undefined && one !== resource)) await removeDependents(context, network, signal);
}

/** Deletes what was made for a network, asking the server itself: a network that goes may be the first that is looked at. */
export async function removeDependents(context: Context, network: string, signal: AbortSignal): Promise<void> {
  const { client, dependents } = context;
  for (const [kind, name] of [
    ['networks', sriovNetworkName(network)],
    ['policies', network],
  ] as const) {
    const existing = await getLive<KubeObject>(client, dependents.refOf(kind), name);
    if (existing !== undefined && isOfNetwork(existing, network)) {
      await remove({ client, ref: dependents.refOf(kind) }, existing, signal);
    }
  }
}
