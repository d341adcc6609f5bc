import type { RailEntry } from '../api/kinds/cidr.ts';
import type { SliceHost } from '../api/kinds/cidrslice.ts';
import { NetError } from '../net/address.ts';
import { giveRailsToOneHost } from './exclusive.ts';
import { type HostPlan, planHosts } from './hosts.ts';
import { configOf, type Layout, layoutOf } from './layout.ts';
import { emptyLedger } from './ledger.ts';
import { isGone, type Member, membersOf } from './members.ts';
import { movedBlocks, wouldRenumber } from './moved.ts';
import { addressesOf, stillOnRails } from './next-hops.ts';
import { noHosts, noNamedNics } from './no-hosts.ts';
import type { Slot } from './ordinals.ts';
import { publish } from './publish.ts';
import { planRails } from './rails.ts';
import { hostRevision, networkRevision } from './revisions.ts';
import { sameData } from './same.ts';
import type { Ledger, LedgerConfig, PlanInput, PlanOutput } from './types.ts';

/**
 * Decides which block of the network belongs to which host and NIC. Deterministic and idempotent: the order of hosts and
 * NICs does not matter, and for `plan({...input, ledger: plan(input).ledger})` the ledger is the very same object. Never
 * throws for anything that a user or a daemon can write; what cannot be planned is a problem and hits only what it is about.
 */
export function plan(input: PlanInput): PlanOutput {
  const { network } = input;
  const stored = input.ledger.config;
  const ledger = stored !== undefined && stored.uid !== network.uid ? emptyLedger : input.ledger;
  const wanted = configOf(network);
  const current = ledger.config;
  if (current === undefined) return attempt(input, ledger, wanted, true);
  if (sameData(current, wanted)) return attempt(input, ledger, current, false);

  const changed = attempt(input, ledger, wanted, true);
  if (changed.problems.some(({ reason }) => reason === 'BitsDoNotFit')) {
    const kept = attempt(input, ledger, current, false);
    return { ...kept, problems: [...changed.problems, ...kept.problems] };
  }
  const before = { ledger, layout: layoutOf(current) };
  const after = { ledger: changed.ledger, layout: layoutOf(wanted) };
  const moved = movedBlocks(before, after, membersOf(before.layout, ledger, network.uid, input.hosts));
  if (moved.length === 0) return changed;
  const kept = attempt(input, ledger, current, false);
  return { ...kept, problems: [wouldRenumber(current, wanted, moved), ...kept.problems] };
}

/** The plan under one config. `recheck`: the config is not the one under which the ledger's indexes were given. */
function attempt(input: PlanInput, ledger: Ledger, config: LedgerConfig, recheck: boolean): PlanOutput {
  const { network, now } = input;
  const layout = tryLayout(config);
  if (layout instanceof NetError) {
    return { ledger, assignments: new Map(), problems: [{ reason: 'BitsDoNotFit', message: layout.message }] };
  }
  const everyone = membersOf(layout, ledger, network.uid, input.hosts);
  const members = everyone.filter((member) => !isGone(member));
  const judged = recheck ? { ...ledger, rails: ledger.rails.map(withoutOverrides) } : ledger;
  const railPlan = planRails(layout, judged, members);
  const { segments, slots } = railPlan;
  const exclusive = layout.hostBits === 0 ? giveRailsToOneHost(segments, members, slots) : [];
  const hostPlan = planHosts({
    network: network.name,
    layout,
    ledger,
    rails: segments.rails(),
    members,
    left: new Set(everyone.filter(isGone).map(({ host }) => host.hostName)),
    wanting: wantingHosts(layout, members, slots),
    recheck,
    now,
  });
  const rails = segments.rails().map((rail) => prunedOverrides(rail, hostPlan));
  const hops = addressesOf(network, layout, ledger, members, slots);
  const known = (entry: SliceHost) => stillOnRails(entry.addresses, ledger.rails, rails);
  const hosts = hostEntries(members, hostPlan, hops.addresses, known);
  const next = settled(ledger, {
    config,
    revision: networkRevision(ledger, sameData(ledger.config, config) && sameData(ledger.rails, rails), members),
    rails,
    releasedRails: railPlan.released,
    hosts,
    released: hostPlan.released,
  });
  const published = publish(network, layout, next, members, slots, hostPlan);
  const problems = [...railPlan.problems, ...exclusive, ...hostPlan.problems, ...hops.problems, ...published.problems];
  if (problems.length === 0) {
    const lack = hosts.length === 0 ? noHosts(layout, input) : noNamedNics(input);
    if (lack !== undefined) problems.push(lack);
  }
  return { ledger: next, assignments: published.assignments, problems };
}

function tryLayout(config: LedgerConfig): Layout | NetError {
  try {
    return layoutOf(config);
  } catch (error) {
    if (error instanceof NetError) return error;
    throw error;
  }
}

/** Hosts that have a NIC on a rail where they can have a block. */
function wantingHosts(
  layout: Layout,
  members: readonly Member[],
  slots: ReadonlyMap<string, readonly Slot[]>,
): ReadonlySet<string> {
  const wanting = new Set<string>();
  for (const { host } of members) {
    const has = slots.get(host.hostName)?.some(({ segment, ordinal, nic }) => {
      if (nic === undefined) return false;
      return layout.hostBits > 0 || segment.rails.get(ordinal)?.hostOverrides?.[host.hostName] !== undefined;
    });
    if (has === true) wanting.add(host.hostName);
  }
  return wanting;
}

function hostEntries(
  members: readonly Member[],
  hostPlan: HostPlan,
  addresses: ReadonlyMap<string, NonNullable<SliceHost['addresses']>>,
  known: (entry: SliceHost) => SliceHost['addresses'],
): SliceHost[] {
  const entries = members.flatMap((member) => {
    const { hostName, nodeExists } = member.host;
    const hostIndex = hostPlan.indexes.get(hostName);
    if (hostIndex === undefined) return [];
    const before = member.entry;
    // Of a host whose Node is gone, what was last known of its NICs stands: its pods may live on.
    const own = nodeExists || before === undefined ? addresses.get(hostName) : known(before);
    const entry: SliceHost = {
      hostIndex,
      hostName,
      revision: before?.revision ?? 0,
      ...(own === undefined || own.length === 0 ? {} : { addresses: own }),
    };
    const unchanged = before !== undefined && sameData(before, entry);
    const drains = !nodeExists || hostPlan.displaced.has(hostName);
    const revision = hostRevision(before, unchanged, member.claim, drains);
    return [unchanged && revision === before.revision ? before : { ...entry, revision }];
  });
  return entries.sort((a, b) => a.hostIndex - b.hostIndex);
}

/** The old ledger itself where nothing changed: the operator sees by identity that there is nothing to write. */
function settled(before: Ledger, after: Ledger): Ledger {
  return sameData(before, after) ? before : after;
}

function withoutOverrides(rail: RailEntry): RailEntry {
  const bare = { ...rail };
  delete bare.hostOverrides;
  return bare;
}

/** Overrides of hosts that have no index any more are dropped. */
function prunedOverrides(rail: RailEntry, hostPlan: HostPlan): RailEntry {
  const overrides = Object.entries(rail.hostOverrides ?? {});
  const kept = overrides.filter(([hostName]) => hostPlan.indexes.has(hostName));
  if (kept.length === overrides.length) return rail;
  const bare = withoutOverrides(rail);
  return kept.length === 0 ? bare : { ...bare, hostOverrides: Object.fromEntries(kept) };
}
