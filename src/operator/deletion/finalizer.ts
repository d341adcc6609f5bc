import type { MultiNicNetwork } from '../../api/kinds/multinicnetwork.ts';
import { resources } from '../../kube/calls/resource.ts';
import type { Context } from '../context.ts';

/** Keeps a deleted network until its last attachment is gone. */
export const finalizer = 'multinic.fms.io/network';

/** That of multi-nic-cni, whose operator took it off; nobody does any more. */
const formerFinalizer = 'finalizers.multinicnetwork.multinic.fms.io';

/** Ours, in the place of that of multi-nic-cni. */
export async function addFinalizer(context: Context, object: MultiNicNetwork, signal: AbortSignal): Promise<void> {
  const others = (object.metadata.finalizers ?? []).filter((one) => one !== formerFinalizer);
  await setFinalizers(context, object, [...others, finalizer], signal);
}

/** The last act: the API server then removes the object. */
export async function removeFinalizer(context: Context, object: MultiNicNetwork, signal: AbortSignal): Promise<void> {
  const rest = (object.metadata.finalizers ?? []).filter((one) => one !== finalizer);
  await setFinalizers(context, object, rest, signal);
}

/** The list as a whole, on the very version that it was read from: another's finalizer is not lost. */
async function setFinalizers(
  { client, caches }: Context,
  { metadata }: MultiNicNetwork,
  finalizers: string[],
  signal: AbortSignal,
): Promise<void> {
  const body = { metadata: { resourceVersion: metadata.resourceVersion, finalizers } };
  const answer = await client.patch<MultiNicNetwork>(resources.multiNicNetworks, metadata.name, 'merge', body, {
    signal,
  });
  caches.networks.learn(answer);
}
