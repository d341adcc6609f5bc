import { formatPrefix } from '../net/prefix.ts';
import type { Member } from './members.ts';
import type { Slot } from './ordinals.ts';
import type { Segments } from './segments.ts';
import type { PlanProblem } from './types.ts';

/**
 * hostBlock 0: each NIC network belongs to one host. Writes the owner into the rail (hostOverrides {owner: 0}); the first
 * one stays, then who serves it already, then the oldest index, then the lower name. Returns what the others are told.
 */
export function giveRailsToOneHost(
  segments: Segments,
  members: readonly Member[],
  slots: ReadonlyMap<string, readonly Slot[]>,
): PlanProblem[] {
  const problems: PlanProblem[] = [];
  const users = new Map<number, Member[]>();
  for (const member of members) {
    for (const { segment, ordinal, nic } of slots.get(member.host.hostName) ?? []) {
      const rail = segment.rails.get(ordinal);
      if (rail === undefined || nic === undefined) continue;
      users.set(rail.interfaceIndex, [...(users.get(rail.interfaceIndex) ?? []), member]);
    }
  }
  for (const rail of segments.rails()) {
    const candidates = users.get(rail.interfaceIndex) ?? [];
    const kept = Object.keys(rail.hostOverrides ?? {}).find((name) =>
      members.some(({ host }) => host.hostName === name),
    );
    const owner =
      kept ??
      [...candidates].sort((a, b) => rank(a, rail.interfaceIndex) - rank(b, rail.interfaceIndex))[0]?.host.hostName;
    if (owner === undefined) continue;
    const place = segments.at(rail.interfaceIndex);
    if (kept === undefined && place !== undefined) {
      segments.setRail(place.segment, { ...rail, hostOverrides: { [owner]: 0 } });
    }
    for (const { host } of candidates) {
      if (host.hostName === owner) continue;
      const nets = place?.segment.nets.map(formatPrefix).join(' and ') ?? '';
      problems.push({
        reason: 'HostIndexesExhausted',
        hostName: host.hostName,
        message: `hostBlock 0 gives each NIC network to one host: ${nets} is host ${owner}'s, host ${host.hostName} has no block there. Raise hostBlock`,
      });
    }
  }
  return problems;
}

function rank({ claim, entry }: Member, interfaceIndex: number): number {
  if (claim?.interfaces?.some((one) => one.interfaceIndex === interfaceIndex) === true) return -1;
  return entry?.hostIndex ?? Number.MAX_SAFE_INTEGER;
}
