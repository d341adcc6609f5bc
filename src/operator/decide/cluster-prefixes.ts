import type { ClusterPrefix } from '../../api/relations.ts';
import { NetError, parseAddress } from '../../net/address.ts';
import { type Prefix, parsePrefix, prefixOf } from '../../net/prefix.ts';
import type { NodeFacts } from '../caches.ts';

/**
 * The prefixes that the cluster uses itself: those that the operator was told, then the pod networks of the Nodes, by name.
 * Nodes without one (some network plugins keep their own books) say nothing.
 */
export function clusterPrefixes(told: readonly ClusterPrefix[], nodes: readonly NodeFacts[]): ClusterPrefix[] {
  const sorted = [...nodes].sort((a, b) => (a.name < b.name ? -1 : 1));
  return [
    ...told,
    ...sorted.flatMap(({ name, podCIDRs }) =>
      podCIDRs.flatMap((text) => {
        const prefix = readable(text);
        return prefix === undefined ? [] : [{ what: `the pod network of node ${name}`, prefix }];
      }),
    ),
  ];
}

/** Another program wrote it: what cannot be read is passed over. */
function readable(text: string): Prefix | undefined {
  try {
    return parsePrefix(text);
  } catch (error) {
    if (error instanceof NetError) return undefined;
    throw error;
  }
}

/**
 * What an operator is told: by flags, and in a pod by the address of the service `kubernetes`, the first of the service network.
 * @throws NetError
 */
export function toldPrefixes(flags: readonly string[], serviceHost: string | undefined): ClusterPrefix[] {
  const told = flags.map((text) => ({
    what: 'a network of the cluster (--cluster-network)',
    prefix: parsePrefix(text),
  }));
  if (serviceHost === undefined || serviceHost === '') return told;
  const address = parseAddress(serviceHost);
  const prefix = prefixOf(address, address.family === 4 ? 32 : 128);
  return [...told, { what: 'the address of the service kubernetes', prefix }];
}
