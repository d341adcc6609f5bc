import type { PublishedNetwork } from '../api/kinds/hostinterface.ts';
import type { Network } from '../api/network.ts';
import { blockOf, blockToStatus } from './blocks.ts';
import type { HostPlan } from './hosts.ts';
import { type Layout, vlansOf } from './layout.ts';
import type { Member } from './members.ts';
import type { Slot } from './ordinals.ts';
import { hostRevision } from './revisions.ts';
import type { Ledger, PlanProblem } from './types.ts';

/**
 * What HostInterface.status of each host shall say. A host without a NIC on the network is absent, unless its pods have
 * addresses; one whose Node is gone drains; a displaced one drains on the index that it serves, without blocks.
 */
export function publish(
  network: Pick<Network, 'name' | 'uid'>,
  layout: Layout,
  ledger: Ledger,
  members: readonly Member[],
  slots: ReadonlyMap<string, readonly Slot[]>,
  hostPlan: HostPlan,
): { readonly assignments: Map<string, PublishedNetwork>; readonly problems: PlanProblem[] } {
  const assignments = new Map<string, PublishedNetwork>();
  const rails = new Map(
    ledger.rails.map((rail) => [rail.interfaceIndex, { rail, vlans: vlansOf(layout, rail.interfaceIndex) }]),
  );
  const problems: PlanProblem[] = [];
  const revisions = new Map(ledger.hosts.map(({ hostName, revision }) => [hostName, revision]));
  for (const { host, claim, holds } of members) {
    const { hostName } = host;
    const head = { name: network.name, uid: network.uid };
    if (hostPlan.displaced.has(hostName) && claim !== undefined) {
      const revision = revisions.get(hostName) ?? hostRevision(undefined, false, claim, true);
      assignments.set(hostName, {
        ...head,
        hostIndex: claim.hostIndex,
        revision: { network: ledger.revision, host: revision },
        draining: true,
        blocks: [],
      });
      continue;
    }
    const hostIndex = hostPlan.indexes.get(hostName);
    const revision = revisions.get(hostName);
    if (hostIndex === undefined || revision === undefined) continue;
    const placed = (slots.get(hostName) ?? []).flatMap(({ segment, ordinal, nic }) => {
      const known = rails.get(segment.rails.get(ordinal)?.interfaceIndex ?? -1);
      return known === undefined || nic === undefined ? [] : [{ ...known, nic: nic.nic }];
    });
    const blocks = placed.flatMap(({ rail, vlans, nic }) => {
      const block = blockOf(layout, rail, hostIndex, hostName, nic, vlans);
      if (block !== undefined) return [blockToStatus(block)];
      if (layout.hostBits > 0) {
        problems.push({
          reason: 'NoUsableAddress',
          hostName,
          message: `host ${hostName} (index ${hostIndex}) has no block on ${rail.netAddresses.join(' and ')}: excludeCIDRs cover it. Shorten excludeCIDRs`,
        });
      }
      return [];
    });
    if (placed.length === 0 && !holds) continue;
    assignments.set(hostName, {
      ...head,
      hostIndex,
      revision: { network: ledger.revision, host: revision },
      ...(host.nodeExists ? {} : { draining: true }),
      blocks: blocks.sort((a, b) => a.interfaceIndex - b.interfaceIndex),
    });
  }
  return { assignments, problems };
}
