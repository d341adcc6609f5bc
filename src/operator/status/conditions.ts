import type { MultiNicNetworkStatus } from '../../api/kinds/multinicnetwork.ts';
import type { RelationReason } from '../../api/relations.ts';
import { counted } from '../../api/words.ts';
import type { PlanProblem } from '../../ipam/types.ts';
import { equal } from '../equal.ts';
import { type Judgement, nextCondition } from './condition.ts';

/** Reasons by condition type: what programs may rely on. */
export interface Reasons {
  Accepted: 'Accepted' | 'Invalid' | RelationReason;
  Planned: 'Planned' | 'NotAccepted' | PlanProblem['reason'] | 'WaitingForHosts' | 'Draining';
  NetworksReady:
    | 'Created'
    | 'NotPlanned'
    | 'ForeignNAD'
    | 'WriteFailed'
    | 'CRDMissing'
    | 'ForeignDependent'
    | 'NoDevices'
    | 'Draining';
  RoutesReady: 'InSync' | 'NotNeeded' | 'NotPlanned' | 'OutOfSync' | 'Draining';
}

export type ConditionType = keyof Reasons;

/** In the order in which they are met: Ready names the first that does not hold. */
export const conditionTypes = ['Accepted', 'Planned', 'NetworksReady', 'RoutesReady'] as const;

export type Verdict<T extends ConditionType = ConditionType> = Judgement<Reasons[T]>;

export type Verdicts = { readonly [T in ConditionType]: Verdict<T> };

/** What the status says beside the conditions and counts, from the spec alone. */
export interface Asked {
  /** The prefixes, as `kubectl get` shows them: `192.168.0.0/16,fd00:10::/48`; empty where there are none. */
  readonly subnets: string;
}

/** What the status counts, beside the conditions. */
export interface Counts {
  readonly hosts: number;
  readonly nics: number;
  readonly attachments: number;
  readonly computeResults: NonNullable<MultiNicNetworkStatus['computeResults']>;
  readonly discovery: NonNullable<MultiNicNetworkStatus['discovery']>;
}

/**
 * The status as it shall stand, or the very old one when nothing in it changes: nobody is woken by a status that says the same.
 * A condition keeps its lastTransitionTime for as long as its status is the same; lastSyncTime is that of the last change.
 * @param now ISO time
 */
export function nextStatus(
  old: MultiNicNetworkStatus | undefined,
  verdicts: Verdicts,
  counts: Counts & Asked,
  generation: number,
  now: string,
): MultiNicNetworkStatus {
  const failing = conditionTypes.find((type) => !verdicts[type].holds);
  const ready =
    failing === undefined
      ? {
          holds: true,
          reason: 'Ready',
          message: `${counted(counts.hosts, 'host')}, ${counted(counts.nics, 'NIC network')}`,
        }
      : verdicts[failing];
  const all = [...conditionTypes.map((type) => [type, verdicts[type]] as const), ['Ready', ready] as const];
  const next: MultiNicNetworkStatus = {
    observedGeneration: generation,
    conditions: all.map(([type, verdict]) => nextCondition(type, verdict, old?.conditions, generation, now)),
    subnets: counts.subnets,
    hosts: counts.hosts,
    nics: counts.nics,
    attachments: counts.attachments,
    computeResults: counts.computeResults,
    discovery: counts.discovery,
    configStatus: configStatus(verdicts),
    routeStatus: routeStatuses[verdicts.RoutesReady.reason],
    message: failing === undefined ? '' : verdicts[failing].message,
    lastSyncTime: now,
  };
  return old !== undefined && equal({ ...next, lastSyncTime: old.lastSyncTime }, old) ? old : next;
}

const needsPerson: readonly string[] = ['ForeignNAD', 'CRDMissing', 'ForeignDependent', 'NoDevices'];

/** The predecessor's words: Success once addresses and NADs are there, Failed where a person must act. */
function configStatus({ Accepted, Planned, NetworksReady }: Verdicts): string {
  if (!Accepted.holds || needsPerson.includes(NetworksReady.reason)) return 'Failed';
  return Planned.holds && NetworksReady.holds ? 'Success' : 'WaitForConfig';
}

const routeStatuses: Readonly<Record<Reasons['RoutesReady'], string>> = {
  NotNeeded: 'N/A',
  InSync: 'Success',
  OutOfSync: 'Failed',
  NotPlanned: 'WaitForRoutes',
  Draining: 'WaitForRoutes',
};
