import type { Again } from '../../kube/reconcile/controller.ts';
import type { Context } from '../context.ts';

/**
 * One namespace came, went or changed its phase: every network that has, or shall have, a NAD there looks at its NADs again. The NADs
 * themselves are the network controller's: one writer for each.
 */
export function reconcileNamespace(context: Context, name: string): Promise<Again | undefined> {
  for (const object of context.caches.networks.list()) {
    const wanted = object.spec?.namespaces ?? [];
    const has = context.caches.nads.has(`${name}/${object.metadata.name}`);
    if (wanted.length === 0 || wanted.includes(name) || has) context.queues.network.add(object.metadata.name);
  }
  return Promise.resolve(undefined);
}
