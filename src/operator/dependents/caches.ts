import type { KubeObject } from '../../api/meta.ts';
import type { KubeClient } from '../../kube/calls/client.ts';
import { isNotFound } from '../../kube/calls/errors.ts';
import { inNamespace, type ResourceRef, resources } from '../../kube/calls/resource.ts';
import type { Clock } from '../../kube/clock.ts';
import { type Reflector, startReflector } from '../../kube/copy/reflector.ts';
import type { Logger } from '../../kube/logger.ts';
import { missingMs } from '../caches.ts';
import { equal } from '../equal.ts';

/** Kinds of other operators, whose CRDs a cluster may have or not. */
export const dependentKinds = {
  policies: { ref: resources.sriovNetworkNodePolicies, crd: 'sriovnetworknodepolicies.sriovnetwork.openshift.io' },
  networks: { ref: resources.sriovNetworks, crd: 'sriovnetworks.sriovnetwork.openshift.io' },
  nicPolicies: { ref: resources.nicClusterPolicies, crd: 'nicclusterpolicies.mellanox.com' },
} as const satisfies Record<string, { ref: ResourceRef; crd: string }>;

export type DependentKind = keyof typeof dependentKinds;

export interface DependentCaches {
  /** Where objects of a kind are. */
  refOf(kind: DependentKind): ResourceRef;
  /** The copy of a kind, complete; undefined: the cluster has no such kind. Its watch begins with the first call. @throws ApiError */
  of(kind: DependentKind): Promise<Reflector<KubeObject> | undefined>;
  /** Asks again whether the cluster has a kind, after a write that found nothing to write to. @throws ApiError */
  stillThere(kind: DependentKind): Promise<boolean>;
  /** Resolves when the signal was aborted and all watches are closed. */
  ended(): Promise<void>;
}

export interface DependentOptions {
  readonly client: KubeClient;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Of the SR-IOV network operator. */
  readonly sriovNamespace: string;
  /** Something of a kind has changed, or the kind has come. */
  readonly onChange: (kind: DependentKind) => void;
}

/** Copies of other operators' objects, each from when a network first needs it: clusters without these kinds are not asked for them. */
export function createDependentCaches(options: DependentOptions): DependentCaches {
  const { client, signal, logger, clock, sriovNamespace, onChange } = options;
  const started = new Map<DependentKind, Reflector<KubeObject>>();
  /** Of those that the server did not have: when it was asked. */
  const missing = new Map<DependentKind, number>();
  const refOf = (kind: DependentKind): ResourceRef =>
    kind === 'nicPolicies' ? dependentKinds[kind].ref : inNamespace(dependentKinds[kind].ref, sriovNamespace);

  const start = (kind: DependentKind): Reflector<KubeObject> => {
    const reflector = startReflector({ client, ref: refOf(kind), signal, logger, clock, missingMs, project });
    reflector.onChange(({ old, new: now }) => {
      // Status is others' news.
      if (!equal(told(old), told(now))) onChange(kind);
    });
    started.set(kind, reflector);
    void reflector.synced.then(() => {
      missing.delete(kind);
      onChange(kind);
    });
    return reflector;
  };

  const stillThere = async (kind: DependentKind): Promise<boolean> => {
    const served = await isServed(client, refOf(kind), signal);
    if (served) missing.delete(kind);
    else missing.set(kind, clock.now());
    return served;
  };

  return {
    refOf,
    async of(kind) {
      const reflector = started.get(kind) ?? start(kind);
      const askedAt = missing.get(kind);
      if (reflector.hasSynced && askedAt === undefined) return reflector;
      if (askedAt !== undefined && clock.now() < askedAt + missingMs) return undefined;
      if (!(await stillThere(kind))) return undefined;
      await Promise.race([reflector.synced, reflector.ended]);
      return reflector;
    },
    stillThere,
    ended: async () => {
      await Promise.all([...started.values()].map((reflector) => reflector.ended));
    },
  };
}

async function isServed(client: KubeClient, ref: ResourceRef, signal: AbortSignal): Promise<boolean> {
  try {
    await client.list(ref, { limit: 1, signal });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** managedFields and status are most of an object, and nobody here reads them. */
function project({ apiVersion, kind, metadata, spec }: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, labels, annotations, ownerReferences } = metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(labels !== undefined && { labels }),
      ...(annotations !== undefined && { annotations }),
      ...(ownerReferences !== undefined && { ownerReferences }),
    },
    spec,
  };
}

function told(object: KubeObject | undefined): unknown {
  if (object === undefined) return undefined;
  const { uid, labels, ownerReferences } = object.metadata;
  return { uid, labels, ownerReferences, spec: object.spec };
}
