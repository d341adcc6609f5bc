import type { HostPlan } from '../../../api/host.ts';
import type { ContainerCall } from '../../../cni/types.ts';
import type { AttachmentRecord, LentNic } from '../../../store/types.ts';
import type { AttachContext } from '../context.ts';
import type { Reserved } from '../pools.ts';
import { conflictError } from './conflict.ts';

/**
 * Writes what was reserved, as a `pending` record; it goes back to the pools when it cannot be. It is on disk when the store is `synced`.
 * @param rest what the call makes with it: delegates' calls, and the NICs that they use
 * @param lent NICs that go into the pod themselves
 * @throws CniError naming who holds an address or a NIC already, and what `rest` throws
 */
export async function commit(
  context: AttachContext,
  plan: HostPlan,
  { key, stamp, netns, pod, path, args }: ContainerCall,
  netnsId: string,
  reserved: Reserved,
  rest: () => Promise<Pick<AttachmentRecord, 'calls' | 'masters'>>,
  lent: readonly LentNic[] = [],
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
      ...(await rest()),
      createdAt: context.now(),
    };
    const conflict = await context.store.begin(record, lent);
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
