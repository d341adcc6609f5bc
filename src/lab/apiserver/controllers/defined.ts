import { crdResource, resourcesOf } from '../kinds/crd.ts';
import { resourceId } from '../kinds/resource.ts';
import type { Cluster } from '../storage/cluster.ts';

/** Serves the kinds that CRDs define, for as long as each is there: in the same turn as its change. */
export function serveDefined({ store, registry }: Cluster): void {
  const table = resourceId(crdResource());
  store.subscribe(({ type, table: changed, object }) => {
    if (changed !== table) return;
    // A CRD is named like the resource that it defines.
    registry.delete(object.metadata.name);
    if (type !== 'DELETED') for (const resource of resourcesOf(object)) registry.set(resource);
  });
}
