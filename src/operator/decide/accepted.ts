import { delegationOf } from '../../api/delegations.ts';
import type { MultiNicNetwork } from '../../api/kinds/multinicnetwork.ts';
import type { Network } from '../../api/network.ts';
import { parseNetwork } from '../../api/network-gate.ts';
import type { Parsed } from '../../api/problem.ts';
import { configOf, layoutOf } from '../../ipam/layout.ts';
import type { LedgerConfig } from '../../ipam/types.ts';
import { NetError } from '../../net/address.ts';
import { equal } from '../equal.ts';

/** Passes a network through the gate, each version of the object once. */
export type Parse = (object: MultiNicNetwork) => Parsed<Network>;

export function createParse(): Parse {
  const known = new WeakMap<MultiNicNetwork, Parsed<Network>>();
  return (object) => {
    const before = known.get(object);
    if (before !== undefined) return before;
    const parsed = parseNetwork(object);
    known.set(object, parsed);
    return parsed;
  };
}

/** Whether the spec asks for exactly what was planned: then it was accepted, and is not judged beside others again. */
export function isAsPlanned(network: Network, config: LedgerConfig | undefined): boolean {
  return config !== undefined && equal(configOf(network), config);
}

/**
 * A network as its ledger has it: what it holds of the cluster, whatever its spec says by now (edited into something that is refused,
 * or that would renumber). Undefined where the ledger says nothing that can be read.
 */
export function networkOfLedger(object: MultiNicNetwork, config: LedgerConfig | undefined): Network | undefined {
  if (config?.uid === undefined || config.uid !== object.metadata.uid) return undefined;
  const link = config.type === undefined ? undefined : delegationOf(config.type, config.vlanMode);
  if (link === undefined) return undefined;
  try {
    const { subnets, excludes, masterNets, hostBits, interfaceBits } = layoutOf(config);
    return {
      name: object.metadata.name,
      uid: config.uid,
      generation: object.metadata.generation ?? 0,
      createdAt: Date.parse(object.metadata.creationTimestamp ?? '') || 0,
      cniVersion: object.spec?.plugin.cniVersion ?? '',
      ...link,
      routed: link.mode === 'l3' || link.mode === 'l3s',
      ipam: { kind: 'pool' },
      pluginArgs: {},
      subnets,
      hostBlock: hostBits,
      interfaceBlock: interfaceBits,
      excludes,
      routes: [],
      sourceRouting: false,
      masterNets,
      strategy: 'none',
      namespaces: object.spec?.namespaces ?? [],
    };
  } catch (error) {
    if (error instanceof NetError) return undefined;
    throw error;
  }
}
