import type { HostPlan } from '../../../api/host.ts';
import { isNamed, namedNics } from '../../../delegates/host-device.ts';
import type { Unavailable } from '../../../policy/types.ts';
import type { AttachContext } from '../context.ts';
import { holderText } from '../lent/lend.ts';
import { usableBlocks } from '../make/nic-ipam.ts';

/**
 * NICs that no pod can get of this network in this moment: those that are lent, whatever the network makes of NICs; where it lends them
 * itself, also those that others use, and those that its configuration does not name; of multi-config those without an entry.
 * @throws CniError 7 for a configuration that names NICs in two ways
 */
export function unavailableNics(
  { store, nics }: Pick<AttachContext, 'store' | 'nics'>,
  { binding, network, ipam }: HostPlan,
  plugin: Readonly<Record<string, unknown>>,
): ReadonlyMap<string, Unavailable> {
  const taken = new Map<string, Unavailable>();
  if (ipam.kind === 'per-master') {
    const without = nics().filter(({ name }) => !Object.hasOwn(ipam.configs, name));
    const reason = `has no entry in args of multi-config (${Object.keys(ipam.configs).join(', ')})`;
    for (const { name } of without) taken.set(name, { reason, passing: false });
  }
  if (binding === 'device') {
    const named = namedNics(plugin, network);
    for (const nic of nics()) {
      if (named === undefined || isNamed(named, nic)) continue;
      taken.set(nic.name, { reason: `is not named by plugin.args.${named.way}`, passing: false });
    }
    for (const { key, pod, masters } of store.attachments.values()) {
      const use = `is used by ${holderText({ key, pod })} (network ${key.network})`;
      for (const { nic } of masters) if (!taken.has(nic)) taken.set(nic, { reason: use, passing: true });
    }
  }
  for (const lent of store.lent.values()) {
    const before = taken.get(lent.name);
    if (before?.passing === false) continue;
    taken.set(lent.name, { reason: `is lent to ${holderText(lent)} (network ${lent.key.network})`, passing: true });
  }
  return taken;
}

/** Of a network that lends its NICs: what holds them, when none is free; undefined while one is. */
export function noneFree(
  context: Pick<AttachContext, 'store' | 'nics'>,
  plan: HostPlan,
  plugin: Readonly<Record<string, unknown>>,
): string | undefined {
  if (plan.binding !== 'device') return undefined;
  const taken = unavailableNics(context, plan, plugin);
  const blocks = usableBlocks(plan).filter(({ draining }) => !draining);
  if (blocks.some(({ interfaceName }) => !taken.has(interfaceName))) return undefined;
  const held = blocks.map(({ interfaceName }) => `${interfaceName} ${taken.get(interfaceName)?.reason}`);
  return `0 of ${blocks.length} NICs are free: ${held.join(', ')}`;
}
