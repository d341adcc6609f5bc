import type { MultiNicNetwork } from '../../api/kinds/multinicnetwork.ts';
import type { Network } from '../../api/network.ts';
import type { Parsed } from '../../api/problem.ts';
import type { RelationProblem } from '../../api/relations.ts';
import type { LedgerConfig } from '../../ipam/types.ts';
import type { Verdict } from '../status/conditions.ts';
import { isAsPlanned, networkOfLedger } from './accepted.ts';

/** One network of the cluster as a judge sees it. */
export interface Candidate {
  readonly object: MultiNicNetwork;
  readonly parsed: Parsed<Network>;
  /** Of its ledger: it was accepted once and holds what this says. */
  readonly config: LedgerConfig | undefined;
}

/** What speaks against a network beside others that hold their places, and beside the hosts' own networks. */
export type Relate = (network: Network, holders: readonly Network[]) => readonly RelationProblem[];

export interface Judgement {
  readonly verdict: Verdict<'Accepted'>;
  /** What the spec asks for, when it is accepted. */
  readonly network?: Network;
}

/**
 * Accepted or not. What has a ledger holds its place and keeps it; of those that wait for one the oldest is heard first (creation,
 * then name), whichever the operator happens to see first. A network whose spec was changed after it was planned is heard like a new
 * one, but beside what others hold only: its own ledger does not speak against it.
 */
export function judge(candidate: Candidate, all: readonly Candidate[], relate: Relate): Judgement {
  const { parsed, config } = candidate;
  if (!parsed.ok) {
    return refused(
      'Invalid',
      parsed.problems.map(({ path, message }) => `${path}: ${message}`),
    );
  }
  const network = parsed.value;
  if (isAsPlanned(network, config)) return accepted(network);
  const problems = relate(network, holdersBeside(candidate, network, all, relate));
  const [first] = problems;
  if (first === undefined) return accepted(network);
  return refused(
    first.reason,
    problems.map(({ message }) => message),
  );
}

/** What others hold, and what older ones that are still to be planned will hold. */
function holdersBeside(
  candidate: Candidate,
  network: Network,
  all: readonly Candidate[],
  relate: Relate,
): readonly Network[] {
  const others = all.filter((other) => other !== candidate);
  const holders = others.flatMap((other) => networkOfLedger(other.object, other.config) ?? []);
  const planned = new Set(holders.map((holder) => holder.name));
  const waiting = others
    .flatMap((other) => (other.parsed.ok && !isDeleted(other) ? [other.parsed.value] : []))
    .filter((other) => !planned.has(other.name) && compareAge(other, network) < 0)
    .sort(compareAge);
  for (const older of waiting) if (relate(older, holders).length === 0) holders.push(older);
  return holders;
}

function isDeleted({ object }: Candidate): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

/** The older first, then the lower name. */
export function compareAge(a: Network, b: Network): number {
  if (a.createdAt !== b.createdAt) return a.createdAt - b.createdAt;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function accepted(network: Network): Judgement {
  return { verdict: { holds: true, reason: 'Accepted', message: 'the spec is valid' }, network };
}

function refused(reason: Verdict<'Accepted'>['reason'], messages: readonly string[]): Judgement {
  return { verdict: { holds: false, reason, message: messages.join('; ') } };
}
