import type { HostPlan } from '../../api/host.ts';
import type { LinkKind, LinkMode } from '../../api/network.ts';
import type { Link } from '../../kernel/types.ts';
import { masterError } from './conflict.ts';
import type { AttachContext } from './context.ts';

/**
 * A first look before a NIC is used for the first time: children that others made on it in the host's own namespace (those in
 * pods cannot be seen from here) must be of the same kind and mode, as an ipvlan child of another mode would turn them all.
 * Our own attachments are judged by the store, in the transaction.
 * @throws CniError 104
 */
export async function checkMasters(context: AttachContext, plan: HostPlan, nics: readonly string[]): Promise<void> {
  const unused = nics.filter((nic) => !isUsed(context, nic));
  if (unused.length === 0) return;
  const links = await context.kernel.links();
  for (const nic of unused) {
    const master = links.find(({ name }) => name === nic);
    const other = links.find(
      (link) => link.lowerIndex === master?.index && !link.lowerElsewhere && differs(link, plan),
    );
    if (other === undefined) continue;
    const held = { nic, kind: kindOf(other), mode: modeOf(other) };
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
  if (link.kind !== plan.linkKind) return true;
  return link.mode !== plan.mode && (link.kind === 'ipvlan' || link.mode === 'passthru' || plan.mode === 'passthru');
}

function kindOf({ kind }: Link): LinkKind {
  return kind === 'ipvlan' ? 'ipvlan' : 'macvlan';
}

const modes: readonly LinkMode[] = ['l2', 'l3', 'l3s', 'bridge', 'private', 'vepa', 'passthru'];

function modeOf({ mode }: Link): LinkMode {
  return modes.find((known) => known === mode) ?? 'l2';
}
