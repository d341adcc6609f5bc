import type { PublishedNetwork } from '../../api/kinds/hostinterface.ts';
import type { Ledger, PlanOutput } from '../../ipam/types.ts';
import { equal } from '../equal.ts';

/** One host of a network, with what it reads now. */
interface Reader {
  readonly hostName: string;
  readonly nodeExists: boolean;
  readonly published?: PublishedNetwork;
}

/**
 * Whether an edit would give a host other blocks than it reads now. What pools report is up to 10 s old, so that a pod may have come
 * which nobody has heard of: hosts have to stop and say that they are empty before such a plan is written, else its address could be
 * in another host's new block.
 */
export function movesBlocks(before: Ledger, output: PlanOutput, hosts: readonly Reader[]): boolean {
  if (before.config === undefined || equal(before.config, output.ledger.config)) return false;
  return hosts.some(({ hostName, nodeExists, published }) => {
    if (!nodeExists || published === undefined) return false;
    const next = new Map(
      (output.assignments.get(hostName)?.blocks ?? []).map((block) => [block.interfaceIndex, block]),
    );
    return (published.blocks ?? []).some((block) => {
      const now = next.get(block.interfaceIndex);
      return now === undefined || !equal(block.podCIDRs, now.podCIDRs) || !equal(block.vlanCIDRs, now.vlanCIDRs);
    });
  });
}
