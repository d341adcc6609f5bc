import { messageOf } from '../../api/message-of.ts';
import type { KubeObject } from '../../api/meta.ts';
import { isApiError, isConflict } from '../../kube/calls/errors.ts';
import type { Context } from '../context.ts';
import type { Verdict } from '../status/conditions.ts';
import { applyOver, put, remove, type Target } from '../writes.ts';
import { type DependentKind, dependentKinds } from './caches.ts';
import { dependentChange, isOfNetwork } from './owned.ts';
import { sriovFields } from './sriov.ts';

/**
 * Makes, changes or deletes one object of another operator's kind, for a network; objects of others are left alone.
 * @returns what speaks against it
 * @throws ApiError where another look, or a server that will answer, may help
 */
export async function keep(
  context: Context,
  network: string,
  kind: DependentKind,
  name: string,
  wanted: KubeObject | 'none' | 'unknown',
  signal: AbortSignal,
): Promise<Verdict<'NetworksReady'> | undefined> {
  if (wanted === 'unknown') return undefined;
  const ref = context.dependents.refOf(kind);
  const cache = await context.dependents.of(kind);
  if (cache === undefined) return crdMissing(kind);
  const existing = cache.get(`${ref.namespace}/${name}`);
  const target: Target = { client: context.client, ref, cache };
  if (wanted === 'none') {
    if (existing !== undefined && isOfNetwork(existing, network)) await remove(target, existing, signal);
    return undefined;
  }
  if (existing !== undefined && !isOfNetwork(existing, network)) return foreign(wanted);
  try {
    // By POST: what somebody else has made under the name since we looked must not become ours.
    if (existing === undefined) await put(target, wanted, signal);
    else {
      const change = dependentChange(existing, wanted, sriovFields);
      if (change !== undefined) await applyOver(target, existing, change.release, wanted, signal);
    }
    return undefined;
  } catch (error) {
    // Another look at what stands there by now, or at a server that will answer; but what is refused is refused again.
    if (isConflict(error) || !(isApiError(error, 422) || isApiError(error, 400) || isApiError(error, 404))) throw error;
    if (isApiError(error, 404) && !(await context.dependents.stillThere(kind))) return crdMissing(kind);
    const message = `the API server refuses ${wanted.kind} ${ref.namespace}/${name}: ${messageOf(error)}`;
    return { holds: false, reason: 'WriteFailed', message };
  }
}

function foreign({ kind, metadata: { namespace, name } }: KubeObject): Verdict<'NetworksReady'> {
  return {
    holds: false,
    reason: 'ForeignDependent',
    message: `a ${kind} ${namespace}/${name} that multinic has not made stands there: it is left alone; delete it, or name its resource in plugin.args.resourceName`,
  };
}

/** The cluster has no such kind, and what to do about it. */
export function crdMissing(kind: DependentKind): Verdict<'NetworksReady'> {
  const cure =
    kind === 'nicPolicies'
      ? 'install the NVIDIA network operator, or name resources in plugin.args.resourceName (nvidia.com/hostdev)'
      : 'install the SR-IOV network operator, or name the resource of another device plugin in plugin.args.resourceName with its prefix (intel.com/neta)';
  return {
    holds: false,
    reason: 'CRDMissing',
    message: `the cluster has no CustomResourceDefinition ${dependentKinds[kind].crd}: ${cure}`,
  };
}
