import { Registry } from '../kinds/registry.ts';
import { ObjectStore } from './store.ts';

export interface ClusterOptions {
  /** The time in ms since the epoch. */
  readonly now?: () => number;
  /** resourceVersion to start after. Default: the time, so that clients of a lost store must list again. */
  readonly firstRevision?: number;
  /** Changes across which a watch can resume. Default 20,000. */
  readonly historyLength?: number;
}

/** The state behind an API server, which the verbs work on: it can outlive one, as etcd does. */
export class Cluster {
  readonly now: () => number;
  readonly registry = new Registry();
  readonly store: ObjectStore;

  constructor(options: ClusterOptions = {}) {
    this.now = options.now ?? Date.now;
    this.store = new ObjectStore(options.firstRevision ?? this.now(), options.historyLength ?? 20_000);
  }

  /** Whether objects may be made in a namespace: `missing`, `ending` or `active`. */
  namespaceState(name: string): 'missing' | 'ending' | 'active' {
    const namespace = this.store.get('namespaces', `/${name}`);
    if (!namespace) return 'missing';
    return namespace.metadata.deletionTimestamp === undefined ? 'active' : 'ending';
  }
}
