import type { MultiNicNetwork } from '../api/kinds/multinicnetwork.ts';
import type { Network } from '../api/network.ts';
import { plan } from '../ipam/plan.ts';
import type { Ledger } from '../ipam/types.ts';
import type { Again } from '../kube/controller.ts';
import { isAsPlanned } from './accepted.ts';
import type { Verdict, Verdicts } from './conditions.ts';
import type { Context } from './context.ts';
import { type DrainStep, drainStep } from './drain.ts';
import { addFinalizer, finalizer } from './finalizer.ts';
import { judgeNetwork } from './judge-network.ts';
import { movesBlocks } from './move.ts';
import { nadConfig } from './nad.ts';
import { publish } from './publish.ts';
import { reconcileAbsence, reconcileDeletion } from './remove.ts';
import { saveLedger } from './save-ledger.ts';
import { stopHosts } from './stop-hosts.ts';
import { countsOf, plannedVerdict, routesVerdict } from './verdicts.ts';
import { certainViewOf, type NetworkView } from './view.ts';
import { activeNamespaces, applyNads, type NadChanges, nadChanges, networksVerdict } from './write-nads.ts';
import { writeStatus } from './write-status.ts';

/** Everything is looked at again this often, changed or not. */
const resyncMs = 600_000;
/** How often an edit that waits for hosts is looked at without a change. */
const lookAgainMs = 30_000;

/** One network: judged, planned into the ledger, published, given its NADs; its conditions say how far that is. */
export async function reconcileNetwork(
  context: Context,
  name: string,
  signal: AbortSignal,
): Promise<Again | undefined> {
  const object = context.caches.networks.get(name);
  if (object === undefined) return reconcileAbsence(context, name, signal);
  if (object.metadata.deletionTimestamp !== undefined) return reconcileDeletion(context, object, signal);
  if (!(object.metadata.finalizers ?? []).includes(finalizer)) {
    await addFinalizer(context, object, signal);
    // The answer is in the cache: go on with it.
    return { after: 0 };
  }
  const view = await certainViewOf(context, object);
  const judgement = judgeNetwork(context, object);
  if (judgement.network === undefined) return refuse(context, view, judgement.verdict, signal);
  return serve(context, view, judgement.verdict, judgement.network, signal);
}

async function serve(
  context: Context,
  view: NetworkView,
  accepted: Verdict<'Accepted'>,
  network: Network,
  signal: AbortSignal,
): Promise<Again | undefined> {
  const { object, ledger, hosts } = view;
  const output = plan({ network, ledger, hosts, now: context.clock.now() });
  if (movesBlocks(ledger, output, hosts)) {
    const stop = drainStep(network.uid, hosts, false);
    if (stop.phase === 'Stopping') return stopFirst(context, view, accepted, network, stop, signal);
  }
  const step = await saveLedger(context, object, ledger, output.ledger, signal);
  if (step.kind === 'later') return { after: step.ms };
  publish(context, view, output.assignments);
  const planned = plannedVerdict(output.problems, output.assignments, hosts);
  const nads = nadsOf(context, object, network, output.ledger);
  const failure = await applyNads(context, nads, signal);
  const verdicts: Verdicts = {
    Accepted: accepted,
    Planned: planned,
    NetworksReady: networksVerdict(network, nads, output.ledger.config !== undefined, failure),
    RoutesReady: routesVerdict(network, planned.holds, hosts),
  };
  await writeStatus(context, object, verdicts, countsOf(output.ledger, output.assignments, hosts), signal);
  if (failure !== undefined) throw failure;
  return { after: resyncMs };
}

/** An edit moves blocks: until every host has stopped and is empty, what was planned last stays, but makes no new attachments. */
async function stopFirst(
  context: Context,
  view: NetworkView,
  accepted: Verdict<'Accepted'>,
  network: Network,
  stop: DrainStep,
  signal: AbortSignal,
): Promise<Again | undefined> {
  const { object, ledger, hosts } = view;
  const later = await stopHosts(context, view, stop, signal);
  if (later !== undefined) return later;
  const message = `the edit moves blocks, so hosts stop first: ${stop.message}`;
  const nads = nadsOf(context, object, network, ledger);
  const verdicts: Verdicts = {
    Accepted: accepted,
    Planned: { holds: false, reason: 'Draining', message },
    NetworksReady: networksVerdict(network, nads, true, undefined),
    RoutesReady: routesVerdict(network, false, hosts),
  };
  await writeStatus(context, object, verdicts, countsOf(ledger, stop.publish, hosts), signal);
  return { after: lookAgainMs };
}

/**
 * A refused spec changes nothing: what was planned before it goes on, for the pods that are there; hosts and namespaces that come do
 * not join it.
 */
async function refuse(
  context: Context,
  { object, ledger, hosts }: NetworkView,
  accepted: Verdict<'Accepted'>,
  signal: AbortSignal,
): Promise<Again | undefined> {
  const was = ledger.config === undefined ? 'nothing is planned' : 'the last plan stays';
  const verdicts: Verdicts = {
    Accepted: accepted,
    Planned: { holds: false, reason: 'NotAccepted', message: `the spec is refused; ${was}` },
    NetworksReady: { holds: false, reason: 'NotPlanned', message: `the spec is refused; ${was}` },
    RoutesReady: { holds: false, reason: 'NotPlanned', message: `the spec is refused; ${was}` },
  };
  const published = hosts.flatMap((host) => (host.published ? [[host.hostName, host.published] as const] : []));
  await writeStatus(context, object, verdicts, countsOf(ledger, new Map(published), hosts), signal);
  return { after: resyncMs };
}

/** NADs say what was planned: a spec that was not applied (it would renumber) changes none of them. */
function nadsOf(context: Context, object: MultiNicNetwork, network: Network, ledger: Ledger): NadChanges {
  const existing = context.caches.nadsOf.of(network.name);
  const { config, rails } = ledger;
  const applied = object.spec !== undefined && isAsPlanned(network, config);
  const masterNets = object.spec?.masterNets ?? [];
  const nets = masterNets.length > 0 ? masterNets : [...new Set(rails.flatMap((rail) => rail.netAddresses))].sort();
  const before = existing.find((nad) => nad.metadata.ownerReferences?.some((owner) => owner.uid === network.uid));
  const text = applied && object.spec !== undefined ? nadConfig(network, object.spec, nets) : before?.spec?.config;
  return nadChanges(object, network, text, existing, activeNamespaces(context.caches));
}
