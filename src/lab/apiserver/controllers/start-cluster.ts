import { builtInResources } from '../kinds/builtins.ts';
import { crdResource } from '../kinds/crd.ts';
import { Cluster, type ClusterOptions } from '../storage/cluster.ts';
import { createObject } from '../verbs/create.ts';
import { Collector } from './collector.ts';
import { ContentKeeper } from './content.ts';
import { serveDefined } from './defined.ts';

/** A new cluster: the built-in kinds served, the first namespaces made, its controllers at work. */
export function startCluster(options: ClusterOptions = {}): Cluster {
  const cluster = new Cluster(options);
  for (const resource of [...builtInResources(), crdResource()]) cluster.registry.set(resource);
  serveDefined(cluster);
  new Collector(cluster).start();
  new ContentKeeper(cluster).start();
  const namespaces = cluster.registry.get('', 'v1', 'namespaces');
  if (namespaces === undefined) throw new Error('no built-in resource namespaces');
  for (const name of ['default', 'kube-system']) {
    createObject(cluster, namespaces, undefined, { metadata: { name } }, { validation: 'Ignore', dryRun: false });
  }
  return cluster;
}
