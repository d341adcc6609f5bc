import type { PublishedNetwork } from '../../api/kinds/hostinterface.ts';
import type { Network } from '../../api/network.ts';
import { counted, listed } from '../../api/words.ts';
import type { Ledger, PlanProblem } from '../../ipam/types.ts';
import type { Counts, Verdict } from '../status/conditions.ts';
import type { Assignments } from './desired.ts';
import { discoveryOf, type HostView } from './view.ts';

/** Planned: nothing stands in the way, and every host that has a block serves exactly what was published. */
export function plannedVerdict(
  problems: readonly PlanProblem[],
  assignments: Assignments,
  hosts: readonly HostView[],
): Verdict<'Planned'> {
  const [first] = problems;
  if (first !== undefined) return { holds: false, reason: first.reason, message: problemsMessage(problems) };
  const behind = hosts.filter((host) => {
    const published = assignments.get(host.hostName);
    return host.nodeExists && published !== undefined && !serves(host, published);
  });
  if (behind.length === 0) {
    return {
      holds: true,
      reason: 'Planned',
      message: assignments.size === 1 ? '1 host serves its blocks' : `${assignments.size} hosts serve their blocks`,
    };
  }
  const names = listed(behind.map((host) => host.hostName));
  const message = `${behind.length} of ${counted(assignments.size, 'host')} ${behind.length === 1 ? 'does not serve its' : 'do not serve their'} blocks yet: ${names}`;
  return { holds: false, reason: 'WaitingForHosts', message };
}

function serves({ claim }: HostView, published: PublishedNetwork): boolean {
  return (
    claim !== undefined &&
    claim.uid === published.uid &&
    claim.acknowledged === 'Serving' &&
    claim.hostIndex === published.hostIndex &&
    claim.revision.network === published.revision.network &&
    claim.revision.host === published.revision.host
  );
}

/** At most three in full: what a person does about the first often cures the others. */
function problemsMessage(problems: readonly PlanProblem[]): string {
  const shown = problems.slice(0, 3).map((problem) => problem.message);
  const more = problems.length - shown.length;
  return more > 0 ? `${shown.join('; ')}; and ${more} more` : shown.join('; ');
}

/** RoutesReady: no host has reported that its routes differ from the plan. */
export function routesVerdict(network: Network, planned: boolean, hosts: readonly HostView[]): Verdict<'RoutesReady'> {
  if (!network.routed) {
    return {
      holds: true,
      reason: 'NotNeeded',
      message: `${[network.pluginType, network.mode].filter(Boolean).join(' ')} needs no host routes`,
    };
  }
  if (!planned) return { holds: false, reason: 'NotPlanned', message: 'host routes follow the plan' };
  const broken = hosts
    .filter((host) => host.nodeExists)
    .flatMap((host) => host.pools.filter((pool) => pool.outOfSyncSince !== undefined).slice(0, 1));
  const [first] = broken;
  if (first === undefined) return { holds: true, reason: 'InSync', message: 'all host routes are as planned' };
  const names = listed(broken.map((pool) => pool.hostName));
  return {
    holds: false,
    reason: 'OutOfSync',
    message: `host routes are not as planned on ${names}; ${first.hostName}: ${first.lastError ?? 'no error given'} (since ${first.outOfSyncSince})`,
  };
}

/** What the status counts. */
export function countsOf(ledger: Ledger, assignments: Assignments, hosts: readonly HostView[]): Counts {
  const present = new Set(hosts.filter((host) => host.nodeExists).map((host) => host.hostName));
  const served = [...assignments].filter(([hostName]) => present.has(hostName));
  const perRail = new Map<number, number>();
  for (const [, { blocks }] of served) {
    for (const { interfaceIndex } of blocks) perRail.set(interfaceIndex, (perRail.get(interfaceIndex) ?? 0) + 1);
  }
  return {
    hosts: served.length,
    nics: perRail.size,
    attachments: hosts.reduce((sum, host) => sum + host.attachments, 0),
    computeResults: ledger.rails.map((rail) => ({
      netAddress: rail.netAddresses[0] ?? '',
      numOfHosts: perRail.get(rail.interfaceIndex) ?? 0,
    })),
    discovery: discoveryOf(hosts, served.length),
  };
}
