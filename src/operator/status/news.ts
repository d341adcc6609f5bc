import type { Condition } from '../../api/meta.ts';
import type { News } from '../../kube/events/correlator.ts';

/** Reasons that only say that an earlier condition does not hold: that one is told. */
const consequences: ReadonlySet<string> = new Set(['NotAccepted', 'NotPlanned']);
/** Reasons of what is under way: nobody has to do anything yet. */
const underWay: ReadonlySet<string> = new Set(['WaitingForHosts', 'Draining', 'RollingOut']);

/**
 * What a change of conditions has to tell, as Events do: a Warning for what does not hold any more or not for another reason, Normal for
 * what is under way and for Ready. A message alone is news only for another spec (counts in it move all the time), and what several
 * conditions say is told once.
 */
export function newsOf(before: readonly Condition[] | undefined, after: readonly Condition[] | undefined = []): News[] {
  const told = new Map<string, News>();
  for (const condition of after) {
    const { type, reason, message } = condition;
    if (
      !isNew(
        before?.find((one) => one.type === type),
        condition,
      )
    )
      continue;
    if (condition.status === 'True') {
      if (type === 'Ready') told.set('Ready', { type: 'Normal', reason, message });
    } else if (!consequences.has(reason) && !isSummary(condition, after)) {
      const news: News = { type: underWay.has(reason) ? 'Normal' : 'Warning', reason, message };
      if (!told.has(reason)) told.set(reason, news);
    }
  }
  return [...told.values()];
}

function isNew(before: Condition | undefined, { status, reason, message, observedGeneration }: Condition): boolean {
  if (before?.status !== status) return true;
  if (status === 'True') return false;
  return before.reason !== reason || (before.message !== message && before.observedGeneration !== observedGeneration);
}

/** Ready repeats the first condition that does not hold. */
function isSummary({ type, reason }: Condition, all: readonly Condition[]): boolean {
  return type === 'Ready' && all.some((one) => one.type !== type && one.status === 'False' && one.reason === reason);
}
