import { isDeepStrictEqual } from 'node:util';
import type { IPPool } from '../../api/kinds/ippool.ts';
import type { KubeClient } from '../../kube/calls/client.ts';
import { resources } from '../../kube/calls/resource.ts';
import type { Reflector } from '../../kube/copy/reflector.ts';

/** Least time between two writes of one pool's status, ms: publishing is for people and recovery, never for the hot path. */
export const publishEveryMs = 10_000;

export interface WantedPool {
  readonly object: IPPool;
  /** The network waits to be taken down: publish without waiting. */
  readonly urgent: boolean;
}

export interface PoolWriter {
  /**
   * Makes the host's IPPools say what they shall: creates, updates what differs at most once per 10 s and pool, deletes those
   * of networks that are no longer served.
   * @returns ms until the next one may be written, undefined when all is published
   * @throws ApiError of the first write that failed; the rest has been tried
   */
  sync(wanted: readonly WantedPool[]): Promise<number | undefined>;
}

export function createPoolWriter(client: KubeClient, cache: Reflector<IPPool>, now: () => number): PoolWriter {
  const writtenAt = new Map<string, number>();

  async function write({ object, urgent }: WantedPool): Promise<number | undefined> {
    const { name } = object.metadata;
    const current = cache.get(name);
    if (current === undefined) {
      const created = await client.create<IPPool>(resources.ipPools, object);
      cache.learn(created);
      await publish(created, object);
      return undefined;
    }
    const base = isDeepStrictEqual(current.spec, object.spec) ? current : await respec(current, object);
    if (isDeepStrictEqual(base.status, object.status)) return undefined;
    const wait = (writtenAt.get(name) ?? Number.NEGATIVE_INFINITY) + publishEveryMs - now();
    if (wait > 0 && !urgent) return wait;
    await publish(base, object);
    return undefined;
  }

  async function respec(current: IPPool, object: IPPool): Promise<IPPool> {
    const replaced = await client.replace<IPPool>(resources.ipPools, {
      ...current,
      ...(object.spec !== undefined && { spec: object.spec }),
    });
    cache.learn(replaced);
    return replaced;
  }

  async function publish(base: IPPool, object: IPPool): Promise<void> {
    const status = object.status ?? {};
    cache.learn(await client.replaceStatus<IPPool>(resources.ipPools, { ...base, status }));
    // Only now: what failed is held back by its back-off, which a visit that writes nothing would end.
    writtenAt.set(object.metadata.name, now());
  }

  return {
    async sync(wanted) {
      const names = new Set(wanted.map(({ object }) => object.metadata.name));
      const stray = cache.list().filter(({ metadata }) => !names.has(metadata.name));
      const tries = await Promise.allSettled([
        ...wanted.map(write),
        ...stray.map(async ({ metadata }) => {
          await client.delete(resources.ipPools, metadata.name);
          writtenAt.delete(metadata.name);
          return undefined;
        }),
      ]);
      const failed = tries.find((one) => one.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      const waits = tries.flatMap((one) => (one.status === 'fulfilled' && one.value !== undefined ? [one.value] : []));
      return waits.length === 0 ? undefined : Math.min(...waits);
    },
  };
}
