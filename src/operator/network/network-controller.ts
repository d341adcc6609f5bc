import type { Network } from '../../api/network.ts';
import { listed } from '../../api/words.ts';
import { plan } from '../../ipam/plan.ts';
import type { Again } from '../../kube/reconcile/controller.ts';
import type { Context } from '../context.ts';
import { isAsPlanned } from '../decide/accepted.ts';
import { type DrainStep, drainStep } from '../decide/drain.ts';
import { movesBlocks } from '../decide/move.ts';
import { countsOf, plannedVerdict, routesVerdict } from '../decide/verdicts.ts';
import { certainViewOf, type NetworkView } from '../decide/view.ts';
import { addFinalizer, finalizer } from '../deletion/finalizer.ts';
import { reconcileAbsence, reconcileDeletion } from '../deletion/remove.ts';
import { reconcileDevices } from '../dependents/reconcile.ts';
import { publish } from '../hosts/publish.ts';
import { stopHosts } from '../hosts/stop-hosts.ts';
import type { Awaited } from '../ledger/returning.ts';
import { saveLedger } from '../ledger/save-ledger.ts';
import { applyNads, networksVerdict } from '../nads/write-nads.ts';
import type { Verdict, Verdicts } from '../status/conditions.ts';
import { writeStatus } from '../status/write-status.ts';
import { judgeNetwork } from './judge-network.ts';
import { devicesAsBefore, nadsOf } from './planned-nads.ts';

/** Everything is looked at again this often, changed or not. */
const resyncMs = 600_000;
/** How often an edit that waits for hosts, or a network that waits for devices, is looked at without a change. */
const lookAgainMs = 30_000;
/** The same of one that waits for hosts: Nodes go without waking it. */
const awaitedAgainMs = 1_000;

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
  if (ledger.config === undefined) {
    const awaited = context.returning.awaited(network.name);
    if (awaited !== undefined) return awaitHosts(context, view, accepted, network, awaited, signal);
  }
  const output = plan({ network, ledger, hosts, now: context.clock.now() });
  if (movesBlocks(ledger, output, hosts)) {
    const stop = drainStep(network.uid, hosts, false);
    if (stop.phase === 'Stopping') return stopFirst(context, view, accepted, network, stop, signal);
  }
  const step = await saveLedger(context, object, ledger, output.ledger, signal);
  if (step.kind === 'later') return { after: step.ms };
  publish(context, view, output.assignments);
  const planned = plannedVerdict(output.problems, output.assignments, hosts);
  const { assignments } = output;
  const applied = isAsPlanned(network, output.ledger.config);
  const devices = applied
    ? await reconcileDevices(context, object, network, { hosts, assignments }, signal)
    : devicesAsBefore(context, network);
  const nads = nadsOf(context, object, network, output.ledger, devices.resources);
  const failure = (await applyNads(context, nads, signal)) ?? devices.failure;
  const written = networksVerdict(network, nads, output.ledger.config !== undefined, failure);
  const verdicts: Verdicts = {
    Accepted: accepted,
    Planned: planned,
    NetworksReady: written.holds ? (devices.verdict ?? written) : written,
    RoutesReady: routesVerdict(network, planned.holds, hosts),
  };
  await writeStatus(context, object, verdicts, countsOf(output.ledger, assignments, hosts), signal);
  if (failure !== undefined) throw failure;
  return { after: devices.verdict === undefined ? resyncMs : lookAgainMs };
}

/** No ledger says who holds which index: who may hold one is heard first. */
async function awaitHosts(
  context: Context,
  { object, ledger, hosts }: NetworkView,
  accepted: Verdict<'Accepted'>,
  network: Network,
  { hosts: awaited, ms }: Awaited,
  signal: AbortSignal,
): Promise<Again | undefined> {
  const message = `Nodes without HostInterface may hold addresses of a network of this name, and are waited for a minute at the most: ${listed(awaited)}`;
  const verdicts: Verdicts = {
    Accepted: accepted,
    Planned: { holds: false, reason: 'WaitingForHosts', message },
    NetworksReady: { holds: false, reason: 'NotPlanned', message: 'nothing is planned yet' },
    RoutesReady: routesVerdict(network, false, hosts),
  };
  await writeStatus(context, object, verdicts, countsOf(ledger, new Map(), hosts), signal);
  return { after: Math.min(ms, awaitedAgainMs) };
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
  const nads = nadsOf(context, object, network, ledger, devicesAsBefore(context, network).resources);
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
