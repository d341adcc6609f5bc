import type { KubeObject } from '../../api/meta.ts';
import type { KubeClient } from '../../kube/calls/client.ts';
import { inNamespace, resources } from '../../kube/calls/resource.ts';

/**
 * The image that this operator runs from, which is the daemon's too: however it was set (kustomize, Helm, kubectl set image), the
 * daemons follow. Asked once.
 * @param pod name of the operator's own pod; undefined: it runs in none
 */
export function ownImage(
  client: KubeClient,
  namespace: string,
  pod: string | undefined,
): () => Promise<string | undefined> {
  let known: string | undefined;
  return async () => {
    if (known !== undefined || pod === undefined) return known;
    const { spec } = await client.get<KubeObject<PodSpec>>(inNamespace(resources.pods, namespace), pod);
    known = spec?.containers.find(({ name }) => name === 'operator')?.image;
    return known;
  };
}

interface PodSpec {
  readonly containers: readonly { readonly name: string; readonly image: string }[];
}
