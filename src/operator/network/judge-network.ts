import type { MultiNicNetwork } from '../../api/kinds/multinicnetwork.ts';
import type { KubeObject } from '../../api/meta.ts';
import { type ClusterPrefix, conflicts } from '../../api/relations.ts';
import type { Context } from '../context.ts';
import { clusterPrefixes } from '../decide/cluster-prefixes.ts';
import { type Candidate, type Judgement, judge } from '../decide/judge.ts';

/** Judges one network beside all others that the cluster has, and beside its hosts' NICs. */
export function judgeNetwork({ caches, parse, nicsOf, clusterNetworks }: Context, object: MultiNicNetwork): Judgement {
  const candidate = (one: MultiNicNetwork): Candidate => {
    const config = caches.cidrs.get(one.metadata.name)?.spec?.config;
    return { object: one, parsed: parse(one), config: config?.uid === one.metadata.uid ? config : undefined };
  };
  const own = candidate(object);
  // By name: caches are in the order of arrival, and a verdict that names another host at each look would be written each time.
  const others = caches.networks
    .list()
    .filter((one) => one.metadata.name !== object.metadata.name)
    .sort(byName);
  const hosts = caches.hosts
    .list()
    .sort(byName)
    .map((host) => ({ hostName: host.metadata.name, nics: nicsOf(host) }));
  // Thousands of Nodes are looked at only for a network that is not planned as it is.
  let prefixes: readonly ClusterPrefix[] | undefined;
  return judge(own, [own, ...others.map(candidate)], (network, holders) =>
    conflicts(
      { network, accepted: false },
      holders.map((holder) => ({ network: holder, accepted: true })),
      hosts,
      (prefixes ??= clusterPrefixes(clusterNetworks, caches.nodes.list())),
    ),
  );
}

function byName(a: KubeObject, b: KubeObject): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
