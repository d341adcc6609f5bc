import { messageOf } from '../../api/message-of.ts';
import { listPodResources } from './pod-resources.ts';
import type { DevicesOf } from './types.ts';

/** kubelet answers from memory; Multus waits as long. */
const timeoutMs = 10_000;

/**
 * Asks kubelet for a pod's devices.
 * @param socket of the PodResources API, /var/lib/kubelet/pod-resources/kubelet.sock
 */
export function createDevicesOf(socket: string): DevicesOf {
  return async ({ namespace, name }) => {
    try {
      const pods = await listPodResources(socket, timeoutMs);
      return pods.find((pod) => pod.name === name && pod.namespace === namespace)?.devices ?? [];
    } catch (cause) {
      const why = messageOf(cause);
      throw new Error(`kubelet does not say at ${socket} which devices pods have: ${why}`, { cause });
    }
  };
}
