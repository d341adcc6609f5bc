import type { DelegateCall } from './types.ts';

/** Whether the delegate puts the NIC (or device) itself into the pod: it comes back, and is never deleted. */
export function isMoved({ plugin, device }: Pick<DelegateCall, 'plugin' | 'device'>): boolean {
  return plugin === 'host-device' || device !== undefined;
}
