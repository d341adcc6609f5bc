import type { RailEntry } from '../api/kinds/cidr.ts';
import { formatPrefix, type Prefix, samePrefix } from '../net/prefix.ts';
import { indexOn } from './blocks.ts';
import { type Layout, podsOf, vlansOf } from './layout.ts';
import type { Member } from './members.ts';
import type { Ledger, LedgerConfig, PlanProblem } from './types.ts';

/** Blocks that hold addresses and that would not be the same after the change, described for people. */
export function movedBlocks(
  before: { readonly ledger: Ledger; readonly layout: Layout },
  after: { readonly ledger: Ledger; readonly layout: Layout },
  members: readonly Member[],
): string[] {
  return members
    .filter(({ holds }) => holds)
    .flatMap((member) =>
      heldIndexes(member).flatMap(({ interfaceIndex, count }) => {
        const old = prefixesOf(before, member.host.hostName, interfaceIndex);
        const now = prefixesOf(after, member.host.hostName, interfaceIndex);
        if (old === undefined || (now !== undefined && isKept(old.vlans, now.vlans) && isKept(old.pods, now.pods))) {
          return [];
        }
        const block = old.pods.map(formatPrefix).join(' and ');
        return [`${block} on host ${member.host.hostName}${count > 0 ? ` (${count} in use)` : ''}`];
      }),
    );
}

function heldIndexes({ host, claim }: Member): { interfaceIndex: number; count: number }[] {
  const held = [...host.allocated].filter(([, count]) => count > 0);
  if (held.length > 0) return held.map(([interfaceIndex, count]) => ({ interfaceIndex, count }));
  return (claim?.interfaces ?? []).map(({ interfaceIndex }) => ({ interfaceIndex, count: 0 }));
}

/** Families may come, what is there must stay. */
function isKept(old: readonly Prefix[], now: readonly Prefix[]): boolean {
  return old.every((prefix) => now.some((one) => samePrefix(one, prefix)));
}

/** The rail's prefixes and the host's: pods carry both, the length of the one and an address of the other. */
function prefixesOf(
  { ledger, layout }: { readonly ledger: Ledger; readonly layout: Layout },
  hostName: string,
  interfaceIndex: number,
): { readonly vlans: readonly Prefix[]; readonly pods: readonly Prefix[] } | undefined {
  const rail: RailEntry | undefined = ledger.rails.find((one) => one.interfaceIndex === interfaceIndex);
  const host = ledger.hosts.find((one) => one.hostName === hostName);
  const index = rail && host && indexOn(layout, rail, host.hostIndex, hostName);
  if (index === undefined) return undefined;
  const vlans = vlansOf(layout, interfaceIndex);
  return { vlans, pods: podsOf(layout, vlans, index) };
}

/** Says what the change was, what is in its way and what to do. */
export function wouldRenumber(before: LedgerConfig, after: LedgerConfig, moved: readonly string[]): PlanProblem {
  const shown = (value: number | readonly string[] | undefined) =>
    typeof value === 'number' ? String(value) : value?.join(', ') || 'none';
  const fields = ['subnets', 'interfaceBlock', 'hostBlock', 'excludeCIDRs', 'masterNets'] as const;
  const changes = fields
    .filter((field) => shown(before[field]) !== shown(after[field]))
    .map((field) => `${field} ${shown(before[field])} -> ${shown(after[field])}`);
  const named = moved.slice(0, 5).join('; ') + (moved.length > 5 ? `; and ${moved.length - 5} more` : '');
  return {
    reason: 'WouldRenumber',
    message: `not applied: ${changes.join('; ')} would move ${moved.length} blocks whose addresses pods use: ${named}. The last plan stays. Delete those pods first, or change it back`,
  };
}
