import type { MultiNicNetwork } from '../../api/kinds/multinicnetwork.ts';
import type { Network } from '../../api/network.ts';
import type { Ledger } from '../../ipam/types.ts';
import type { Context } from '../context.ts';
import { isAsPlanned } from '../decide/accepted.ts';
import type { Devices } from '../dependents/reconcile.ts';
import { type Nad, nadConfig, resourceAnnotation } from '../nads/nad.ts';
import { activeNamespaces, type NadChanges, nadChanges } from '../nads/write-nads.ts';

/** As its NADs say: a spec that was not applied asks for nothing. */
export function devicesAsBefore(context: Context, { name, uid }: Network): Devices {
  const nad = ownNad(context, name, uid);
  return { resources: nad?.metadata.annotations?.[resourceAnnotation]?.split(',') ?? [] };
}

function ownNad({ caches }: Context, name: string, uid: string): Nad | undefined {
  return caches.nadsOf.of(name).find((nad) => nad.metadata.ownerReferences?.some((owner) => owner.uid === uid));
}

/**
 * NADs say what was planned: a spec that was not applied (it would renumber) changes none of them.
 * @param resources whose devices the pods get; undefined: that cannot be told, so that NADs stay as they are
 */
export function nadsOf(
  context: Context,
  object: MultiNicNetwork,
  network: Network,
  ledger: Ledger,
  resources: readonly string[] | undefined,
): NadChanges {
  const existing = context.caches.nadsOf.of(network.name);
  const { config, rails } = ledger;
  const applied = object.spec !== undefined && isAsPlanned(network, config);
  const masterNets = object.spec?.masterNets ?? [];
  const nets = masterNets.length > 0 ? masterNets : [...new Set(rails.flatMap((rail) => rail.netAddresses))].sort();
  const before = ownNad(context, network.name, network.uid);
  const text =
    applied && object.spec !== undefined
      ? resources && nadConfig(network, object.spec, nets, resources)
      : before?.spec?.config;
  const annotation = resources === undefined || resources.length === 0 ? undefined : resources.join(',');
  return nadChanges(object, network, text, existing, activeNamespaces(context.caches), annotation);
}
