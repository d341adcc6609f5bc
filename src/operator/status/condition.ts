import type { Condition } from '../../api/meta.ts';

/** One judgement; the message is for people and says what to do where something is to be done. */
export interface Judgement<Reason extends string = string> {
  readonly holds: boolean;
  readonly reason: Reason;
  readonly message: string;
}

/** The condition of a judgement; it keeps its lastTransitionTime for as long as its status is the same. @param now ISO time */
export function nextCondition(
  type: string,
  { holds, reason, message }: Judgement,
  old: readonly Condition[] | undefined,
  observedGeneration: number,
  now: string,
): Condition {
  const status = holds ? 'True' : 'False';
  const before = old?.find((candidate) => candidate.type === type);
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : now;
  return { type, status, reason, message, lastTransitionTime, observedGeneration };
}
