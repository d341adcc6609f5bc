import { configName, predecessorConfigName } from '../../api/config-gate.ts';
import type { ConfigStatus } from '../../api/kinds/config.ts';
import type { Problem } from '../../api/problem.ts';
import { equal } from '../equal.ts';
import { type Judgement, nextCondition } from '../status/condition.ts';
import type { Applied, DaemonSet } from './daemon-set.ts';

/** Reasons of Config conditions: what programs may rely on. */
export type ConfigReason =
  | 'Accepted'
  | 'Invalid'
  | 'NotUsed'
  | 'PredecessorConfig'
  | 'NotAccepted'
  | 'ForeignDaemonSet'
  | 'WriteFailed'
  | 'RollingOut'
  | 'RolledOut';

export type ConfigVerdict = Judgement<ConfigReason>;

export const accepted: ConfigVerdict = { holds: true, reason: 'Accepted', message: 'the daemons follow this Config' };

export function invalid(problems: readonly Problem[]): ConfigVerdict {
  return {
    holds: false,
    reason: 'Invalid',
    message: problems.map(({ path, message }) => `${path}: ${message}`).join('; '),
  };
}

/** Of a Config that is not the one: why it is not obeyed. */
export function notObeyed(name: string): ConfigVerdict {
  if (name !== predecessorConfigName) {
    return {
      holds: false,
      reason: 'NotUsed',
      message: `only the Config "${configName}" is obeyed: move the settings there`,
    };
  }
  return {
    holds: false,
    reason: 'PredecessorConfig',
    message: `this is the predecessor's Config and names its daemon: nothing in it is obeyed. nodeSelector, tolerations and cniBinDir were taken into the Config "${configName}" when the operator made that; move what else is wanted there, and delete this one`,
  };
}

/** How far the DaemonSet is, in nodes. */
export function rollout(daemons: DaemonSet): ConfigVerdict & { readonly desired: number; readonly ready: number } {
  const { generation = 0 } = daemons.metadata;
  const {
    observedGeneration = 0,
    desiredNumberScheduled = 0,
    updatedNumberScheduled = 0,
    numberAvailable = 0,
  } = daemons.status ?? {};
  const ready = Math.min(updatedNumberScheduled, numberAvailable);
  const done = observedGeneration >= generation && ready >= desiredNumberScheduled;
  return {
    holds: done,
    reason: done ? 'RolledOut' : 'RollingOut',
    message: `${ready} of ${desiredNumberScheduled} daemons are up to date and ready`,
    desired: desiredNumberScheduled,
    ready,
  };
}

/** The status as it shall stand, or the very old one when it says the same. @param now ISO time */
export function nextConfigStatus(
  old: ConfigStatus | undefined,
  said: {
    readonly accepted: ConfigVerdict;
    readonly ready: ConfigVerdict;
    readonly counts?: { readonly desired: number; readonly ready: number };
    readonly applied?: Applied;
  },
  generation: number,
  now: string,
): ConfigStatus {
  const next: ConfigStatus = {
    observedGeneration: generation,
    conditions: [
      nextCondition('Accepted', said.accepted, old?.conditions, generation, now),
      nextCondition('Ready', said.ready, old?.conditions, generation, now),
    ],
    ...(said.counts !== undefined && { desired: said.counts.desired, ready: said.counts.ready }),
    ...(said.applied !== undefined && { daemonSet: said.applied }),
  };
  return old !== undefined && equal(next, old) ? old : next;
}
