import { CniError, code } from '../../../api/cni-error.ts';
import type { HostPlan } from '../../../api/host.ts';
import { formatAddress } from '../../../net/address.ts';
import { keyText } from '../../../store/key.ts';
import type { AttachmentRecord, Conflict, HeldMaster } from '../../../store/types.ts';
import type { AttachContext } from '../context.ts';
import { holderText } from '../lent/lend.ts';
import { isExclusive } from './nic-use.ts';

/** What the store's refusal means to the caller of ADD. An address conflict means that memory was wrong: it is built anew. */
export function conflictError(
  context: AttachContext,
  plan: HostPlan,
  record: AttachmentRecord,
  conflict: Conflict,
): CniError {
  const attachment = keyText(record.key);
  if (conflict.kind === 'master') return masterError(plan, conflict.held, `network ${conflict.network} uses`);
  if (conflict.kind === 'lent') {
    return new CniError(
      code.tryAgainLater,
      `network ${plan.network} wants NIC ${conflict.lent.name}, but it is lent to ${holderText(conflict.lent)}: try again when that has ended`,
    );
  }
  if (conflict.kind === 'attachment') {
    return new CniError(code.internal, `attachment ${attachment} exists already: delete it first`);
  }
  if (conflict.kind === 'deleted') {
    const message = `attachment ${attachment} was deleted after this ADD started: nothing is attached`;
    return new CniError(code.unknownContainer, message);
  }
  const address = formatAddress(conflict.address);
  if (plan.ipam.kind !== 'pool') {
    return new CniError(
      code.unsatisfiable,
      `requested address ${address} of network ${plan.network} is in use by another pod on this host: ask for another or delete that pod`,
    );
  }
  context.pools.forget(plan.network);
  return new CniError(
    code.internal,
    `address ${address} of network ${plan.network} is held already: add ${attachment} again`,
  );
}

function useText(kind: string, mode = '', exclusive = false): string {
  const use = mode === '' ? kind : `${kind} ${mode}`;
  return exclusive ? `${use}, alone` : use;
}

/** @param who ` … uses` */
export function masterError(plan: HostPlan, held: HeldMaster, who: string): CniError {
  return new CniError(
    code.nicConflict,
    `network ${plan.network} wants NIC ${held.nic} as ${useText(plan.pluginType, plan.mode, isExclusive(plan))}, but ${who} it as ${useText(held.kind, held.mode, held.exclusive)}: ` +
      'all networks on a NIC must agree; use one kind and mode, other NICs (masterNets), or delete the pods that are there',
  );
}
