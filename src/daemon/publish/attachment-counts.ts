import type { HostPlan } from '../../api/host.ts';
import type { Store } from '../../store/types.ts';
import { publishEveryMs } from './write-pools.ts';

/** A number for people. */
export interface Counted {
  readonly count: number;
  /** ms until a newer one may be told; absent: this one is true. */
  readonly wait?: number;
}

/**
 * How many attachments a network has here, where no IPPool tells (another IPAM plugin gives its addresses). A new number at most once in 10 s,
 * so that pods that come and go do not each write the HostInterface; at once while the network waits to be taken down.
 * @param now ms
 */
export function createAttachmentCounts(
  store: Pick<Store, 'attachments'>,
  now: () => number,
): (plan: HostPlan) => Counted {
  const told = new Map<string, { readonly count: number; readonly at: number }>();
  return ({ network, uid, draining }) => {
    const count = [...store.attachments.values()].filter(({ key }) => key.network === network).length;
    const before = told.get(uid) ?? { count: 0, at: Number.NEGATIVE_INFINITY };
    if (before.count === count) return { count };
    const wait = before.at + publishEveryMs - now();
    if (wait > 0 && !draining) return { count: before.count, wait };
    told.set(uid, { count, at: now() });
    return { count };
  };
}
