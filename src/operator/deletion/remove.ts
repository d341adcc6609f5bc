import type { MultiNicNetwork } from '../../api/kinds/multinicnetwork.ts';
import { counted } from '../../api/words.ts';
import { resources } from '../../kube/calls/resource.ts';
import type { News } from '../../kube/events/correlator.ts';
import type { Again } from '../../kube/reconcile/controller.ts';
import type { Context } from '../context.ts';
import { networkOfLedger } from '../decide/accepted.ts';
import { type DrainStep, drainStep } from '../decide/drain.ts';
import { countsOf } from '../decide/verdicts.ts';
import { certainViewOf, type HostView, type NetworkView } from '../decide/view.ts';
import { removeDependents } from '../dependents/leave.ts';
import { getLive } from '../gone.ts';
import { stopHosts } from '../hosts/stop-hosts.ts';
import { removeCidr } from '../ledger/remove-cidr.ts';
import { isOurs } from '../nads/nad.ts';
import { deleteNad } from '../nads/write-nads.ts';
import type { Verdicts } from '../status/conditions.ts';
import { writeStatus } from '../status/write-status.ts';
import { remove } from '../writes.ts';
import { finalizer, removeFinalizer } from './finalizer.ts';

/** On a deleted network: do not wait for hosts that are silent or still have attachments. */
export const forceAnnotation = 'multinic.fms.io/force-delete';

/** How often a deletion that waits is looked at without a change. */
const lookAgainMs = 30_000;

/** Drains a deleted network step by step; the finalizer goes last. */
export async function reconcileDeletion(
  context: Context,
  object: MultiNicNetwork,
  signal: AbortSignal,
): Promise<Again | undefined> {
  const { name, uid = '', annotations } = object.metadata;
  if (!(object.metadata.finalizers ?? []).includes(finalizer)) return undefined;
  const view = await certainViewOf(context, object);
  const forced = annotations?.[forceAnnotation] === 'true';
  const step = drainStep(uid, view.hosts, forced);
  for (const pool of step.deletePools) await context.client.delete(resources.ipPools, pool, { signal });
  if (step.phase === 'Removing') {
    const ledger = context.caches.cidrs.get(name);
    if (ledger !== undefined && !forced && view.hosts.every(isHeard(context))) context.returning.settled(ledger);
    await removeObjects(context, name, signal);
    await removeFinalizer(context, object, signal);
    context.events.record(object, removed(view, forced));
    context.logger.info({ network: name }, 'nothing is left of the network');
    return undefined;
  }
  const later = await stopHosts(context, view, step, signal);
  if (later !== undefined) return later;
  await writeStatus(context, object, drainVerdicts(context, view, step), countsOfDrain(view), signal);
  return { after: lookAgainMs };
}

/** Whether the host holds no index of which nobody knows: it never had one, is gone, or its daemon says what it has. */
function isHeard({ caches }: Context): (host: HostView) => boolean {
  return ({ hostName, nodeExists, entry }) => entry === undefined || !nodeExists || caches.hosts.has(hostName);
}

/** What its Events end with. */
function removed({ hosts }: NetworkView, forced: boolean): News {
  const left = hosts.reduce((sum, host) => sum + host.attachments, 0);
  if (!forced || left === 0) return { type: 'Normal', reason: 'Removed', message: 'nothing is left of the network' };
  const message = `removed by ${forceAnnotation} without waiting for ${counted(left, 'attachment')}: delete their pods`;
  return { type: 'Warning', reason: 'Forced', message };
}

/** NADs and ledger of that name. */
async function removeObjects(context: Context, name: string, signal: AbortSignal): Promise<void> {
  const { client, caches } = context;
  if (caches.cidrs.get(name)?.spec?.config?.type === 'sriov') await removeDependents(context, name, signal);
  for (const nad of caches.nadsOf.of(name)) if (isOurs(nad)) await deleteNad(context, nad, signal);
  const ofSlices = { client, ref: resources.cidrSlices, cache: caches.slices };
  for (const slice of caches.slicesOf.of(name)) await remove(ofSlices, slice, signal);
  const cidr = caches.cidrs.get(name);
  if (cidr !== undefined) await removeCidr(context, cidr, signal);
}

function drainVerdicts({ parse }: Context, { object, ledger }: NetworkView, step: DrainStep): Verdicts {
  const parsed = parse(object);
  const network = parsed.ok ? parsed.value : networkOfLedger(object, ledger.config);
  const draining = { holds: false, reason: 'Draining', message: step.message } as const;
  return {
    // Keeps Ready's reason at Draining: nobody asks any more whether the spec is valid.
    Accepted: { holds: true, reason: 'Accepted', message: 'being deleted' },
    Planned: draining,
    NetworksReady: draining,
    RoutesReady: network?.routed === false ? { holds: true, reason: 'NotNeeded', message: 'being deleted' } : draining,
  };
}

function countsOfDrain({ ledger, hosts }: NetworkView): ReturnType<typeof countsOf> {
  const published = hosts.flatMap((host) => (host.published ? [[host.hostName, host.published] as const] : []));
  return countsOf(ledger, new Map(published), hosts);
}

/**
 * The cache has no such network. When the server has none either (its finalizer taken off by hand, at the worst) hosts drop what they
 * have of it, and its NADs and ledger go.
 */
export async function reconcileAbsence(
  context: Context,
  name: string,
  signal: AbortSignal,
): Promise<Again | undefined> {
  const { caches, client, desired, queues } = context;
  const live = await getLive<MultiNicNetwork>(client, resources.multiNicNetworks, name);
  if (live !== undefined) {
    // The cache lags; it will wake this network again if it does not take the object from here.
    caches.networks.learn(live);
    return caches.networks.has(name) ? { after: 0 } : undefined;
  }
  if (caches.networks.has(name)) return { after: 0 };
  const holders = caches.hosts.list().filter((host) => host.status?.networks?.some((entry) => entry.name === name));
  if (holders.length === 0) desired.forget(name);
  else desired.set(name, new Map());
  for (const host of holders) queues.host.add(host.metadata.name);
  await removeObjects(context, name, signal);
  return undefined;
}
