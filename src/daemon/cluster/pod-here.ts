import type { KubeObject } from '../../api/meta.ts';
import type { KubeClient } from '../../kube/calls/client.ts';
import { isNotFound } from '../../kube/calls/errors.ts';
import { resources } from '../../kube/calls/resource.ts';
import type { IsPodHere } from '../attach/undo/collect.ts';

/** How long the API may take to say whether a pod is there, ms. */
const answerMs = 10_000;

/**
 * Asks the API for one pod, by name and never by UID. A read without resourceVersion is answered from etcd, so that neither a
 * stale cache nor an empty list makes a pod look gone; any answer but "here" or "not found" is an error.
 */
export function createIsPodHere(client: Pick<KubeClient, 'get'>, node: string, signal: AbortSignal): IsPodHere {
  return async ({ namespace, name }) => {
    const asked = { signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]) };
    try {
      const pod = await client.get<KubeObject<{ nodeName?: string }>>({ ...resources.pods, namespace }, name, asked);
      return pod.spec?.nodeName === undefined || pod.spec.nodeName === node;
    } catch (error) {
      if (isNotFound(error) && error.reason === 'NotFound') return false;
      throw error;
    }
  };
}
