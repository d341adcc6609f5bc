import type { PublishedNetwork } from '../../../src/api/kinds/hostinterface.ts';
import type { Revision } from './history.ts';
import { type Moment, replay } from './replay.ts';

/**
 * The ledger, after each of its revisions: in one network no index has two hosts and no host two indexes; a host keeps its index as
 * long as its Node is there and the network is not being deleted.
 * @returns what is wrong, a line each
 */
export function judgeLedger(history: readonly Revision[]): string[] {
  const problems: string[] = [];
  const held = new Map<string, ReadonlyMap<string, number>>();
  for (const { revision, nodes, ending, slices } of replay(history)) {
    if (revision.kind !== 'slice') continue;
    const { uid = '', network = '' } = revision.object.spec ?? {};
    const say = (text: string): number => problems.push(`revision ${revision.revision}, network ${network}: ${text}`);
    const byIndex = new Map<number, string>();
    const byHost = new Map<string, number>();
    const entries = [...slices.values()]
      .filter(({ spec }) => spec?.uid === uid)
      .flatMap(({ spec }) => spec?.hosts ?? []);
    for (const { hostIndex, hostName } of entries) {
      const other = byIndex.get(hostIndex);
      if (other !== undefined) say(`index ${hostIndex} is ${other}'s and ${hostName}'s`);
      const first = byHost.get(hostName);
      if (first !== undefined) say(`${hostName} has the indexes ${first} and ${hostIndex}`);
      byIndex.set(hostIndex, hostName);
      byHost.set(hostName, hostIndex);
    }
    for (const [host, index] of held.get(uid) ?? []) {
      if (byHost.get(host) === index || !nodes.has(host) || ending.has(uid)) continue;
      say(`${host} had index ${index}, then ${byHost.get(host) ?? 'none'}`);
    }
    held.set(uid, byHost);
  }
  return problems;
}

/**
 * What hosts were given, after each revision of a HostInterface: while the Node is there and the network is not being deleted, a host
 * keeps each block that it once had, and is not told to drain; no index of a network is given to two hosts at a time.
 * @returns what is wrong, a line each
 */
export function judgeBlocks(history: readonly Revision[]): string[] {
  const problems: string[] = [];
  const given = new Map<string, ReadonlyMap<string, PublishedNetwork>>();
  for (const moment of replay(history)) {
    const { revision, nodes, ending } = moment;
    if (revision.kind !== 'host') continue;
    const { name } = revision.object.metadata;
    const now = new Map((moment.hosts.get(name)?.status?.networks ?? []).map((one) => [one.uid, one]));
    for (const [uid, before] of given.get(name) ?? []) {
      if (!nodes.has(name) || ending.has(uid)) continue;
      for (const text of changes(before, now.get(uid))) {
        problems.push(`revision ${revision.revision}, host ${name}, network ${before.name}: ${text}`);
      }
    }
    for (const text of givenTwice(moment, name, now)) problems.push(`revision ${revision.revision}: ${text}`);
    given.set(name, now);
  }
  return problems;
}

function changes(before: PublishedNetwork, now: PublishedNetwork | undefined): string[] {
  if (now === undefined) return ['withdrawn'];
  const texts: string[] = [];
  if (now.draining === true) texts.push('told to drain');
  if (now.hostIndex !== before.hostIndex) texts.push(`index ${before.hostIndex}, then ${now.hostIndex}`);
  for (const { interfaceIndex, podCIDRs } of before.blocks) {
    const then = now.blocks.find((block) => block.interfaceIndex === interfaceIndex)?.podCIDRs ?? ['nothing'];
    if (then.join() !== podCIDRs.join()) texts.push(`rail ${interfaceIndex}: ${podCIDRs.join()}, then ${then.join()}`);
  }
  return texts;
}

function givenTwice({ hosts }: Moment, name: string, now: ReadonlyMap<string, PublishedNetwork>): string[] {
  return [...hosts]
    .filter(([other]) => other !== name)
    .flatMap(([other, { status }]) =>
      (status?.networks ?? [])
        .filter(({ uid, hostIndex }) => now.get(uid)?.hostIndex === hostIndex)
        .map((entry) => `index ${entry.hostIndex} of network ${entry.name} is given to ${other} and ${name}`),
    );
}

/** A write of the Lease that succeeded. */
export interface LeaseWrite {
  readonly revision: number;
  /** When the server received it, ms. */
  readonly at: number;
  /** Who holds it from then on; empty: nobody, it was released. */
  readonly holder: string;
}

/** Any other write of an operator, whatever came of it. */
export interface OperatorWrite {
  /** The operator's identity. */
  readonly by: string;
  /** Verb and object, for people. */
  readonly what: string;
  readonly at: number;
  /** That of the object in the answer: an older one when the write changed nothing, or removed the object; undefined: the server did not say. */
  readonly revision?: number;
}

/**
 * No write by one who does not lead, by two measures: at the time when the server received it, the Lease named the writer and had
 * been renewed less than its duration before; and between the revision at which the Lease came to name the writer and the one that it
 * made, the Lease named nobody else.
 * @param durationMs of the Lease
 * @returns what is wrong, a line each
 */
export function judgeWrites(
  writes: readonly OperatorWrite[],
  leases: readonly LeaseWrite[],
  durationMs: number,
): string[] {
  const byTime = leases.toSorted((a, b) => a.at - b.at);
  const byRevision = leases.toSorted((a, b) => a.revision - b.revision);
  const nobody: LeaseWrite = { revision: 0, at: -Infinity, holder: '' };
  return writes.flatMap(({ by, what, at, revision }) => {
    const last = byTime.findLast((lease) => lease.at <= at) ?? nobody;
    // One that is older than the Lease that the writer held when it asked was made by somebody before.
    const made = revision !== undefined && revision > last.revision;
    const before = made ? byRevision.findLast((lease) => lease.revision < revision) : last;
    const texts: string[] = [];
    if (last.holder !== by) texts.push(`the Lease was ${nameOf(last.holder)}`);
    else if (at - last.at >= durationMs) texts.push(`the Lease had not been renewed for ${at - last.at} ms`);
    if (before?.holder !== by) texts.push(`at revision ${revision} the Lease was ${nameOf(before?.holder ?? '')}`);
    return texts.map((text) => `${what} by ${by}: ${text}`);
  });
}

const nameOf = (holder: string): string => (holder === '' ? "nobody's" : `${holder}'s`);

/** While this one could lead: it runs and reaches the API server; times as the server tells them, ms. */
export interface Able {
  readonly who: string;
  readonly from: number;
  readonly to: number;
}

/**
 * Somebody leads soon: the Lease is nowhere left alone for longer than the limit while one and the same operator could have taken it.
 * @param end of the history, ms
 * @param lost ms that the machine has lost between two moments, which nobody can be blamed for
 * @returns what is wrong, a line each
 */
export function judgeHandOvers(
  leases: readonly LeaseWrite[],
  able: readonly Able[],
  end: number,
  limitMs: number,
  lost: (from: number, to: number) => number,
): string[] {
  const times = [...leases.map(({ at }) => at), end].toSorted((a, b) => a - b);
  return times.flatMap((to, index) => {
    const from = times[index - 1] ?? -Infinity;
    return able.flatMap((one) => {
      const [begin, until] = [Math.max(from, one.from), Math.min(to, one.to)];
      const idle = until - begin;
      if (idle <= limitMs + lost(begin, until)) return [];
      return [`nobody led for ${(idle / 1000).toFixed(1)} s, though ${one.who} could have`];
    });
  });
}

/** The records are whole: each revision that a write of an operator has made of a recorded kind is in the history. */
export function judgeRecord(history: readonly Revision[], written: readonly number[]): string[] {
  const seen = new Set(history.map(({ revision }) => revision));
  return written.filter((revision) => !seen.has(revision)).map((revision) => `revision ${revision} was not recorded`);
}
