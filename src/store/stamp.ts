import type { Stamp } from '../cni/types.ts';

/**
 * Whether `first` started before `second`. Within one boot CLOCK_BOOTTIME decides; a stamp of the current boot is later than
 * any other; of two earlier boots nobody knows the order, and as neither left anything alive the answer is yes, so that a
 * DEL still cleans up.
 */
export function startedBefore(first: Stamp, second: Stamp, currentBoot: string): boolean {
  if (first.bootId === second.bootId) return first.ns < second.ns;
  return first.bootId !== currentBoot;
}
