import type { HostPlan } from '../../../api/host.ts';
import type { Link } from '../../../kernel/types.ts';
import type { AttachContext } from '../context.ts';
import { masterError } from './conflict.ts';
import { isExclusive } from './nic-use.ts';

/**
 * A first look before a NIC is used for the first time: children that others made on it in the host's own namespace (those in
 * pods cannot be seen from here) must be of the same kind and mode, as an ipvlan child of another mode would turn them all.
 * Our own attachments are judged by the store, in the transaction; so a look that was under way will do.
 * @throws CniError 104
 */
export async function checkMasters(context: AttachContext, plan: HostPlan, nics: readonly string[]): Promise<void> {
  if (plan.binding === 'none' || plan.binding === 'deviceID') return;
  const unused = nics.filter((nic) => !isUsed(context, nic));
  if (unused.length === 0) return;
  const links = await context.hostLinks();
  for (const nic of unused) {
    const master = links.find(({ name }) => name === nic);
    const other = links.find(
      (link) => link.lowerIndex === master?.index && !link.lowerElsewhere && differs(link, plan),
    );
    if (other === undefined) continue;
    const held = { nic, kind: other.kind ?? 'link', mode: other.mode ?? '', exclusive: false };
    throw masterError(plan, held, `link ${other.name} of this host (not made by multinic) uses`);
  }
}

function isUsed({ store }: AttachContext, nic: string): boolean {
  for (const { masters } of store.attachments.values()) if (masters.some((held) => held.nic === nic)) return true;
  return false;
}

/** macvlan children of different modes live side by side; passthru does not, and ipvlan's mode is the master's. */
function differs(link: Link, plan: HostPlan): boolean {
  if (link.kind !== 'ipvlan' && link.kind !== 'macvlan') return false;
  if (isExclusive(plan) || link.kind !== plan.pluginType) return true;
  return link.mode !== plan.mode && (link.kind === 'ipvlan' || link.mode === 'passthru');
}
