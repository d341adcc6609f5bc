import type { MultiNicNetwork } from '../../api/kinds/multinicnetwork.ts';
import { messageOf } from '../../api/message-of.ts';
import type { Network } from '../../api/network.ts';
import { counted, listed } from '../../api/words.ts';
import { inNamespace, resources } from '../../kube/calls/resource.ts';
import type { Caches } from '../caches.ts';
import type { Context } from '../context.ts';
import type { Verdict } from '../status/conditions.ts';
import { applyOver, eachOf, put, remove, type Target } from '../writes.ts';
import { isOurs, type Nad, nadObject, namespacesOf } from './nad.ts';
import { type NadChange, nadChange } from './nad-change.ts';

/** What has to happen so that a network's NADs are where and what they shall be. */
export interface NadChanges {
  readonly create: readonly Nad[];
  readonly change: readonly (NadChange & { readonly existing: Nad })[];
  /** Ours, in Active namespaces where they do not belong any more. */
  readonly remove: readonly Nad[];
  /** Namespaces where something that is not ours has the name. */
  readonly foreign: readonly string[];
  /** Namespaces that shall have one. */
  readonly namespaces: readonly string[];
}

/**
 * @param config of all of them; undefined: leave those that are there as they are, and make none
 * @param resource what their annotation names, see resourceAnnotation
 */
export function nadChanges(
  object: MultiNicNetwork,
  network: Pick<Network, 'namespaces'>,
  config: string | undefined,
  existing: readonly Nad[],
  active: ReadonlySet<string>,
  resource?: string,
): NadChanges {
  const namespaces = namespacesOf(network, active);
  const wanted = new Set(namespaces);
  const known = new Map(existing.map((nad) => [nad.metadata.namespace ?? '', nad]));
  const create: Nad[] = [];
  const change: NadChanges['change'][number][] = [];
  const foreign: string[] = [];
  for (const namespace of namespaces) {
    const before = known.get(namespace);
    if (before !== undefined && !isOurs(before)) foreign.push(namespace);
    else if (config !== undefined) {
      const after = nadObject(object, namespace, config, resource);
      const due = before === undefined ? undefined : nadChange(before, after);
      if (before === undefined) create.push(after);
      else if (due !== undefined) change.push({ ...due, existing: before });
    }
  }
  const remove = existing.filter((nad) => {
    const namespace = nad.metadata.namespace ?? '';
    return isOurs(nad) && active.has(namespace) && !wanted.has(namespace);
  });
  return { create, change, remove, foreign, namespaces };
}

/** Namespaces that exist and are not on their way out. */
export function activeNamespaces(caches: Caches): Set<string> {
  return new Set(
    caches.namespaces
      .list()
      .filter((namespace) => namespace.active)
      .map((namespace) => namespace.name),
  );
}

/** @returns the first error of a write, all others having been tried */
export async function applyNads(context: Context, changes: NadChanges, signal: AbortSignal): Promise<unknown> {
  try {
    await eachOf(changes.create, context.width, (nad) => createNad(context, nad, signal));
    await eachOf(changes.change, context.width, (change) => changeNad(context, change, signal));
    await eachOf(changes.remove, context.width, (nad) => deleteNad(context, nad, signal));
    return undefined;
  } catch (error) {
    return error;
  }
}

/** By POST, not by apply: what somebody else has made under the name since we looked must not become ours. */
async function createNad(context: Context, nad: Nad, signal: AbortSignal): Promise<void> {
  await put(targetOf(context, nad), nad, signal);
}

async function changeNad(
  context: Context,
  { existing, release, apply }: NadChanges['change'][number],
  signal: AbortSignal,
): Promise<void> {
  await applyOver(targetOf(context, existing), existing, release, apply, signal);
}

function targetOf({ client, caches }: Context, nad: Nad): Target {
  return {
    client,
    ref: inNamespace(resources.networkAttachmentDefinitions, nad.metadata.namespace ?? ''),
    cache: caches.nads,
  };
}

export async function deleteNad(context: Context, nad: Nad, signal: AbortSignal): Promise<void> {
  await remove(targetOf(context, nad), nad, signal);
}

/** NetworksReady, after the writes were tried. */
export function networksVerdict(
  network: Pick<Network, 'namespaces'>,
  changes: NadChanges,
  planned: boolean,
  failure: unknown,
): Verdict<'NetworksReady'> {
  const { foreign, namespaces } = changes;
  if (foreign.length > 0) {
    const message = `a NetworkAttachmentDefinition of this name that multinic has not made stands in ${listed(foreign)}: it is left alone; rename or delete it, or leave the namespace out of spec.namespaces`;
    return { holds: false, reason: 'ForeignNAD', message };
  }
  if (failure !== undefined) {
    const message = `not all NetworkAttachmentDefinitions could be written: ${messageOf(failure)}`;
    return { holds: false, reason: 'WriteFailed', message };
  }
  if (!planned) return { holds: false, reason: 'NotPlanned', message: 'NetworkAttachmentDefinitions follow the plan' };
  const missing = network.namespaces.filter((name) => !namespaces.includes(name));
  const absent = missing.length > 0 ? `; not there (yet): ${listed(missing)}` : '';
  return { holds: true, reason: 'Created', message: `in ${counted(namespaces.length, 'namespace')}${absent}` };
}
