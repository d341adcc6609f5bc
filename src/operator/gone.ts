import type { KubeObject } from '../api/meta.ts';
import type { KubeClient } from '../kube/calls/client.ts';
import { isNotFound } from '../kube/calls/errors.ts';
import { type ResourceRef, resources } from '../kube/calls/resource.ts';
import { remember } from '../kube/remember.ts';
import type { Caches } from './caches.ts';
import { eachOf } from './writes.ts';

const questionsAtOnce = 16;

/** Nodes that are remembered as gone; one that was forgotten is asked for again. */
const mostGone = 10_000;

/**
 * Which Nodes are known to be gone. The caches are not in step with each other: a Node that is missing in one that lags (a host has
 * just joined, a watch was cut) is no Node that is gone, and what follows from that word takes blocks and objects away. So the server
 * is asked.
 */
export interface GoneNodes {
  has(name: string): boolean;
  /** Asks for those that the cache does not have, nor knows to be gone. */
  check(names: Iterable<string>): Promise<void>;
}

/** @param onGone called with each name when it turns out to be gone */
export function createGoneNodes(
  client: KubeClient,
  caches: Pick<Caches, 'nodes'>,
  onGone: (name: string) => void,
): GoneNodes {
  const gone = new Map<string, true>();
  caches.nodes.onChange(({ key, new: now }) => {
    if (now !== undefined) gone.delete(key);
  });
  return {
    has: (name) => gone.has(name),
    check: async (names) => {
      const doubtful = [...names].filter((name) => !caches.nodes.has(name) && !gone.has(name));
      await eachOf(doubtful, questionsAtOnce, async (name) => {
        if ((await getLive(client, resources.nodes, name)) !== undefined) return;
        // It may have come while we asked.
        if (caches.nodes.has(name)) return;
        remember(gone, name, true, mostGone);
        onGone(name);
      });
    },
  };
}

/** The object as the server has it now; undefined: there is none. */
export async function getLive<T extends KubeObject>(
  client: KubeClient,
  ref: ResourceRef,
  name: string,
): Promise<T | undefined> {
  try {
    return await client.get<T>(ref, name);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
