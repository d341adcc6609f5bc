import type { HostPlan } from '../../../api/host.ts';
import type { ContainerCall } from '../../../cni/types.ts';
import type { AttachmentRecord, LentNic } from '../../../store/types.ts';
import type { AttachContext } from '../context.ts';
import type { Reserved } from '../pools.ts';
import { conflictError } from './conflict.ts';

/** What a call makes with what was reserved. */
export interface Use {
  /** Delegates' calls, and the NICs that they use. */
  plan(): Pick<AttachmentRecord, 'calls' | 'masters'>;
  /** NICs that go into the pod themselves. */
  readonly lent?: readonly LentNic[];
  /** What else must be known or done before the record is written; its failure is the whole's. */
  before?(record: AttachmentRecord): Promise<void>;
}

/**
 * Writes what was reserved, as a `pending` record; it goes back to the pools when it cannot be. It is on disk when the store is `synced`.
 * @throws CniError naming who holds an address or a NIC already, and what the use throws
 */
export async function commit(
  context: AttachContext,
  plan: HostPlan,
  { key, stamp, netns, pod, path, args }: ContainerCall,
  netnsId: string,
  reserved: Reserved,
  use: Use,
): Promise<AttachmentRecord> {
  try {
    const record: AttachmentRecord = {
      key,
      state: 'pending',
      stamp,
      netns,
      netnsId,
      pod,
      path,
      args,
      addresses: heldOf(reserved),
      ...use.plan(),
      createdAt: context.now(),
    };
    await use.before?.(record);
    const conflict = await context.store.begin(record, use.lent);
    if (conflict !== undefined) throw conflictError(context, plan, record, conflict);
    context.changed();
    return record;
  } catch (error) {
    context.pools.giveBack(reserved);
    throw error;
  } finally {
    context.pools.settle(reserved);
  }
}

function heldOf(reserved: Reserved): AttachmentRecord['addresses'] {
  return reserved.nics.flatMap(({ nic, interfaceIndex, addresses }) =>
    addresses.map(({ address }) => ({ address, interfaceIndex, nic })),
  );
}
