import type { CIDRSpec, RailEntry } from '../../api/kinds/cidr.ts';
import type { SliceHost } from '../../api/kinds/cidrslice.ts';
import type { RemoteBlock } from '../../hostroute/plan.ts';
import { indexOn } from '../../ipam/blocks.ts';
import { layoutOf, podsOf, vlansOf } from '../../ipam/layout.ts';
import type { LedgerConfig } from '../../ipam/types.ts';
import { parseAddress } from '../../net/address.ts';
import { parsePrefix } from '../../net/prefix.ts';

/** The part of a network's ledger from which routes follow; plain JSON, so that it can be kept for the next start. */
export interface RouteLedger {
  readonly config: LedgerConfig;
  readonly rails: readonly RailEntry[];
  readonly hosts: readonly SliceHost[];
}

/** The ledger's route part, undefined while the head is not that of the network with that uid. */
export function routeLedger(
  spec: CIDRSpec | undefined,
  uid: string,
  hosts: readonly SliceHost[],
): RouteLedger | undefined {
  const config = spec?.config;
  if (config === undefined || config.uid !== uid) return undefined;
  return { config, rails: spec?.interfaces ?? [], hosts };
}

/** The blocks of all other hosts, computed as each of them computes its own. @throws NetError when the ledger is malformed */
export function remoteBlocks(ledger: RouteLedger, self: string): RemoteBlock[] {
  const layout = layoutOf(ledger.config);
  const rails = new Map(ledger.rails.map((rail) => [rail.interfaceIndex, rail]));
  const networks = new Map(ledger.rails.map((rail) => [rail.interfaceIndex, rail.netAddresses.map(parsePrefix)]));
  const vlans = new Map(ledger.rails.map((rail) => [rail.interfaceIndex, vlansOf(layout, rail.interfaceIndex)]));
  const blocks: RemoteBlock[] = [];
  for (const host of ledger.hosts) {
    if (host.hostName === self) continue;
    for (const { interfaceIndex, hostIPs, linkLocal } of host.addresses ?? []) {
      const rail = rails.get(interfaceIndex);
      const index = rail && indexOn(layout, rail, host.hostIndex, host.hostName);
      if (index === undefined) continue;
      blocks.push({
        hostName: host.hostName,
        interfaceIndex,
        netAddresses: networks.get(interfaceIndex) ?? [],
        podCIDRs: podsOf(layout, vlans.get(interfaceIndex) ?? [], index),
        hostIPs: hostIPs.map(parseAddress),
        ...(linkLocal !== undefined && { linkLocal: parseAddress(linkLocal) }),
      });
    }
  }
  return blocks;
}
