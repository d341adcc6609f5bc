import { isDeepStrictEqual } from 'node:util';
import type { HostInterface, HostInterfaceSpec } from '../../api/kinds/hostinterface.ts';
import { apiVersion } from '../../api/schema.ts';
import type { KubeClient } from '../../kube/calls/client.ts';
import { resources } from '../../kube/calls/resource.ts';
import type { Reflector } from '../../kube/copy/reflector.ts';
import { nicsText } from './host-interface.ts';

/** Where the user writes spec.interfaces himself (hosts whose NICs carry no address). */
export const unmanagedLabel = 'multi-nic-unmanaged';

/**
 * Makes the host's HostInterface say what it shall; writes only a difference.
 * @returns whether it wrote
 * @throws ApiError (409 when another writer was faster: try again from the cache)
 */
export async function writeHostInterface(
  client: KubeClient,
  cache: Reflector<HostInterface>,
  node: string,
  spec: HostInterfaceSpec,
): Promise<boolean> {
  const current = cache.get(node);
  if (current === undefined) {
    cache.learn(
      await client.create<HostInterface>(resources.hostInterfaces, {
        apiVersion,
        kind: 'HostInterface',
        metadata: { name: node },
        spec,
      }),
    );
    return true;
  }
  const own = current.spec?.interfaces ?? [];
  const wanted = isUnmanaged(current) ? { ...spec, nics: nicsText(own), interfaces: own } : spec;
  if (isDeepStrictEqual(current.spec, wanted)) return false;
  cache.learn(await client.replace<HostInterface>(resources.hostInterfaces, { ...current, spec: wanted }));
  return true;
}

export function isUnmanaged(object: HostInterface): boolean {
  return object.metadata.labels?.[unmanagedLabel]?.toLowerCase() === 'true';
}
