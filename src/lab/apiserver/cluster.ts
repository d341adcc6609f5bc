import { builtInResources } from './builtins.ts';
import { Collector } from './collector.ts';
import { ContentKeeper } from './content.ts';
import { crdResource, resourcesOf } from './crd.ts';
import { isFields, type KubeRecord } from './object.ts';
import { Registry } from './registry.ts';
import { type Resource, resourceId } from './resource.ts';
import { ObjectStore } from './store.ts';
import { createObject } from './write.ts';

export interface ClusterOptions {
  /** The time in ms since the epoch. */
  readonly now?: () => number;
  /** resourceVersion to start after. Default: the time, so that clients of a lost store must list again. */
  readonly firstRevision?: number;
  /** Changes across which a watch can resume. Default 20,000. */
  readonly historyLength?: number;
}

/** The state behind an API server: it can outlive one, as etcd does. */
export class Cluster {
  readonly now: () => number;
  readonly registry = new Registry();
  readonly store: ObjectStore;

  constructor(options: ClusterOptions = {}) {
    this.now = options.now ?? Date.now;
    this.store = new ObjectStore(options.firstRevision ?? this.now(), options.historyLength ?? 20_000);
    for (const resource of [...builtInResources(), crdResource()]) this.registry.set(resource);
    this.#serveCustomResources();
    new Collector(this).start();
    new ContentKeeper(this).start();
    const namespaces = this.#builtIn('namespaces');
    for (const name of ['default', 'kube-system']) {
      createObject(this, namespaces, undefined, { metadata: { name } }, { validation: 'Ignore', dryRun: false });
    }
  }

  /** Whether objects may be made in a namespace: `missing`, `ending` or `active`. */
  namespaceState(name: string): 'missing' | 'ending' | 'active' {
    const namespace = this.store.get('namespaces', `/${name}`);
    if (!namespace) return 'missing';
    return namespace.metadata.deletionTimestamp === undefined ? 'active' : 'ending';
  }

  #builtIn(plural: string): Resource {
    const resource = this.registry.get('', 'v1', plural);
    if (!resource) throw new Error(`no built-in resource ${plural}`);
    return resource;
  }

  #serveCustomResources(): void {
    const table = resourceId(crdResource());
    this.store.subscribe((event) => {
      if (event.table !== table) return;
      this.registry.delete(definedId(event.object));
      if (event.type !== 'DELETED') for (const resource of resourcesOf(event.object)) this.registry.set(resource);
    });
  }
}

/** The id of the resource that a CRD defines: its name. */
function definedId(crd: KubeRecord): string {
  return isFields(crd.spec) ? crd.metadata.name : '';
}
