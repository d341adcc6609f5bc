import type { CIDRSlice } from '../../../src/api/kinds/cidrslice.ts';
import type { HostInterface } from '../../../src/api/kinds/hostinterface.ts';
import type { Revision } from './history.ts';

/** What there is after a revision. */
export interface Moment {
  readonly revision: Revision;
  /** Names of Nodes. */
  readonly nodes: ReadonlySet<string>;
  /** uids of networks whose deletion was asked for, or that are gone. */
  readonly ending: ReadonlySet<string>;
  readonly hosts: ReadonlyMap<string, HostInterface>;
  readonly slices: ReadonlyMap<string, CIDRSlice>;
}

/** Goes through a history, in its order. The sets and maps are the same each time, and change. */
export function* replay(history: readonly Revision[]): Generator<Moment> {
  const nodes = new Set<string>();
  const ending = new Set<string>();
  const hosts = new Map<string, HostInterface>();
  const slices = new Map<string, CIDRSlice>();
  for (const revision of history) {
    const { kind, object, gone } = revision;
    const { name, uid = '', deletionTimestamp } = object.metadata;
    if (kind === 'node') {
      if (gone) nodes.delete(name);
      else nodes.add(name);
    } else if (kind === 'network') {
      if (gone || deletionTimestamp !== undefined) ending.add(uid);
    } else if (kind === 'host') put(hosts, name, gone ? undefined : object);
    else put(slices, name, gone ? undefined : object);
    yield { revision, nodes, ending, hosts, slices };
  }
}

function put<T>(map: Map<string, T>, name: string, object: T | undefined): void {
  if (object === undefined) map.delete(name);
  else map.set(name, object);
}
