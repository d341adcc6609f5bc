import type { KubeObject } from '../api/meta.ts';
import type { KubeClient } from '../kube/calls/client.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../kube/calls/errors.ts';
import { fieldsOf } from '../kube/calls/json.ts';
import type { ResourceRef } from '../kube/calls/resource.ts';
import type { Reflector } from '../kube/copy/reflector.ts';

/** In whose name the operator applies. */
export const fieldManager = 'multinic-operator';

/** Where one kind is written, and the copy that has to know of it. */
export interface Target {
  readonly client: KubeClient;
  readonly ref: ResourceRef;
  readonly cache: Pick<Reflector<unknown>, 'learn' | 'forget'>;
}

/**
 * Creates the object, or replaces the very version that it carries; the copy learns the answer. When another writer was faster the
 * copy learns what he wrote, and the conflict is thrown: the next try decides on what stands there.
 */
export async function put(target: Target, object: KubeObject, signal: AbortSignal): Promise<void> {
  const { client, ref } = target;
  const write =
    object.metadata.resourceVersion === undefined
      ? client.create(ref, object, { signal })
      : client.replace(ref, object, { signal });
  await learn(target, object, write, signal);
}

/** The same for the status subresource. */
export async function putStatus(target: Target, object: KubeObject, signal: AbortSignal): Promise<void> {
  await learn(target, object, target.client.replaceStatus(target.ref, object, { signal }), signal);
}

/**
 * Takes away by a merge patch what shall not stand there, then applies our fields, each over the version that the step before left;
 * what others hold of our fields is taken from them.
 * @param existing the version that was decided on; undefined: there was none, and nobody's fields are taken
 */
export async function applyOver(
  target: Target,
  existing: KubeObject | undefined,
  release: Readonly<Record<string, unknown>> | undefined,
  wanted: KubeObject,
  signal: AbortSignal,
): Promise<KubeObject> {
  const { client, ref } = target;
  if (existing === undefined) return learn(target, wanted, client.apply(ref, wanted, { fieldManager, signal }), signal);
  const { name, uid } = existing.metadata;
  let { resourceVersion } = existing.metadata;
  if (release !== undefined) {
    const body = { ...release, metadata: { ...fieldsOf(release['metadata']), uid, resourceVersion } };
    const released = await learn(target, existing, client.patch(ref, name, 'merge', body, { signal }), signal);
    ({ resourceVersion } = released.metadata);
  }
  const metadata = { ...wanted.metadata, ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
  const write = client.apply(ref, { ...wanted, metadata }, { fieldManager, force: true, signal });
  return learn(target, existing, write, signal);
}

async function learn(
  { client, ref, cache }: Target,
  object: KubeObject,
  write: Promise<KubeObject>,
  signal: AbortSignal,
): Promise<KubeObject> {
  try {
    const written = await write;
    cache.learn(written);
    return written;
  } catch (error) {
    if (isConflict(error) || isAlreadyExists(error)) {
      await client.get(ref, object.metadata.name, { signal }).then(
        (current) => cache.learn(current),
        (failure: unknown) => {
          if (!isNotFound(failure)) throw failure;
        },
      );
    }
    throw error;
  }
}

/** Runs at most `width` at a time; all are run, then the first error is thrown. */
export async function eachOf<T>(items: readonly T[], width: number, run: (item: T) => Promise<void>): Promise<void> {
  const errors: unknown[] = [];
  const rest = items.values();
  const worker = async (): Promise<void> => {
    for (const item of rest) {
      try {
        await run(item);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  if (errors.length > 0) throw errors[0];
}

/**
 * Deletes that very version: not what has been written, or made under its name, since it was read; the copy forgets it. One with
 * finalizers stays until they are gone, and in the copy as well.
 */
export async function remove(
  { client, ref, cache }: Omit<Target, 'cache'> & Partial<Target>,
  object: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  const { name, uid, resourceVersion, finalizers = [] } = object.metadata;
  await client.delete(ref, name, {
    signal,
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
  });
  if (finalizers.length === 0) cache?.forget(object);
}
