import type { CIDRSlice } from '../../../src/api/kinds/cidrslice.ts';
import type { HostInterface } from '../../../src/api/kinds/hostinterface.ts';
import { messageOf } from '../../../src/api/message-of.ts';
import type { KubeObject } from '../../../src/api/meta.ts';
import type { KubeClient } from '../../../src/kube/calls/client.ts';
import { isGone } from '../../../src/kube/calls/errors.ts';
import { trusted } from '../../../src/kube/calls/json.ts';
import { type ResourceRef, resources } from '../../../src/kube/calls/resource.ts';
import { aborted, systemClock } from '../../../src/kube/clock.ts';
import { watchOnce } from '../../../src/kube/copy/watch.ts';

/** One state that an object has had at the API server, or its end. `revision`: etcd's, one count for all kinds. */
export type Revision = { readonly revision: number; readonly gone: boolean } & (
  | { readonly kind: 'node' | 'network'; readonly object: KubeObject }
  | { readonly kind: 'host'; readonly object: HostInterface }
  | { readonly kind: 'slice'; readonly object: CIDRSlice }
);

/** What is needed to judge a ledger: slices, what hosts were given, and which Nodes and networks there were to be served. */
const watched = {
  node: resources.nodes,
  network: resources.multiNicNetworks,
  host: resources.hostInterfaces,
  slice: resources.cidrSlices,
} as const;

export interface Recorder {
  /** Every revision so far, in the order in which they were written. */
  history(): readonly Revision[];
  /** What was missed, if anything was: a judgement on the rest is worth nothing then. */
  readonly gaps: readonly string[];
  readonly ended: Promise<void>;
}

/** Records every revision of those kinds from now on: a watch goes on exactly where the last one ended, and never lists again. */
export async function recordHistory(client: KubeClient, signal: AbortSignal): Promise<Recorder> {
  const revisions: Revision[] = [];
  const gaps: string[] = [];
  const add = (kind: Revision['kind'], object: KubeObject, gone: boolean): void => {
    revisions.push(trusted<Revision>({ revision: revisionOf(object), gone, kind, object }));
  };
  const follow = async (kind: Revision['kind'], ref: ResourceRef, from: string): Promise<void> => {
    let version = from;
    while (!signal.aborted) {
      try {
        const options = {
          resourceVersion: version,
          timeoutSeconds: 3600,
          idleMs: 600_000,
          clock: systemClock(),
          signal,
        };
        for await (const { type, object } of watchOnce(client, ref, options)) {
          if (type !== 'BOOKMARK') add(kind, object, type === 'DELETED');
          version = object.metadata.resourceVersion ?? version;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (isGone(error)) {
          gaps.push(`${kind}: nothing seen after ${version}: ${messageOf(error)}`);
          return;
        }
        await Promise.race([new Promise((resolve) => setTimeout(resolve, 50)), aborted(signal)]);
      }
    }
  };
  const follows: Promise<void>[] = [];
  for (const [kind, ref] of Object.entries(watched)) {
    const { items, resourceVersion } = await client.list<KubeObject>(ref);
    const known = trusted<Revision['kind']>(kind);
    for (const object of items) add(known, object, false);
    follows.push(follow(known, ref, resourceVersion));
  }
  return {
    history: () => revisions.toSorted((a, b) => a.revision - b.revision),
    gaps,
    ended: Promise.all(follows).then(() => undefined),
  };
}

/** @throws Error for an object without one */
export function revisionOf({ metadata }: KubeObject): number {
  const revision = Number(metadata.resourceVersion);
  if (!Number.isSafeInteger(revision)) throw new Error(`${metadata.name}: resourceVersion ${metadata.resourceVersion}`);
  return revision;
}
