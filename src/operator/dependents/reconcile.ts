import type { MultiNicNetwork } from '../../api/kinds/multinicnetwork.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { Network } from '../../api/network.ts';
import { isApiError, isConflict } from '../../kube/errors.ts';
import { fieldsOf, messageOf } from '../../kube/json.ts';
import type { Context } from '../context.ts';
import type { Assignments } from '../decide/desired.ts';
import type { HostView } from '../decide/view.ts';
import { getLive } from '../gone.ts';
import { resourceAnnotation } from '../nads/nad.ts';
import type { Verdict } from '../status/conditions.ts';
import { applyOver, put, remove, type Target } from '../writes.ts';
import { type DependentKind, dependentKinds } from './caches.ts';
import { mellanoxResources } from './mellanox.ts';
import { dependentChange, isOfNetwork } from './owned.ts';
import { sriovFields, sriovNeeds, sriovNetworkName } from './sriov.ts';

/** What a network's devices come to. */
export interface Devices {
  /** What kubelet calls them; none for networks that take none. Undefined: it cannot be told. */
  readonly resources: readonly string[] | undefined;
  /** What is missing. */
  readonly verdict?: Verdict<'NetworksReady'>;
  /** What was thrown, to be thrown again once it is told. */
  readonly failure?: unknown;
}

/**
 * Brings about what a network's devices need of other operators: of type sriov a SriovNetworkNodePolicy and a SriovNetwork, made and kept as
 * wanted; of type mellanox nothing, but the resources' names are read from the NicClusterPolicy. Objects of others are left alone.
 */
export async function reconcileDevices(
  context: Context,
  object: MultiNicNetwork,
  network: Network,
  part: { readonly hosts: readonly HostView[]; readonly assignments: Assignments },
  signal: AbortSignal,
): Promise<Devices> {
  const { name, pluginType, pluginArgs } = network;
  try {
    if (pluginType === 'sriov') return await sriov(context, object, network, nicsOn(part), signal);
    const devices: Devices =
      pluginType === 'mellanox' ? await mellanox(context, pluginArgs['resourceName'] ?? '') : { resources: [] };
    const { resources } = devices;
    if (resources !== undefined) await leaveEarlier(context, name, resources.join(',') || undefined, signal);
    return devices;
  } catch (failure) {
    const message = `what the network's devices need could not be looked at or written: ${messageOf(failure)}`;
    return { resources: undefined, verdict: { holds: false, reason: 'WriteFailed', message }, failure };
  }
}

async function mellanox({ dependents }: Context, given: string): Promise<Devices> {
  if (given !== '') return { resources: given.split(',') };
  const policies = await dependents.of('nicPolicies');
  if (policies === undefined) return { resources: undefined, verdict: crdMissing('nicPolicies') };
  const found = mellanoxResources(policies.list());
  if (found.ok) return { resources: found.resources };
  return { resources: undefined, verdict: { holds: false, reason: 'NoDevices', message: found.message } };
}

async function sriov(
  context: Context,
  object: MultiNicNetwork,
  { name, pluginArgs }: Network,
  nics: readonly string[],
  signal: AbortSignal,
): Promise<Devices> {
  const { dependents } = context;
  const { namespace = '' } = dependents.refOf('policies');
  const own = sriovNeeds(object, pluginArgs, nics, namespace);
  const resources = [own.resource];
  if (own.network === 'none') {
    await leaveEarlier(context, name, own.resource, signal);
    return { resources };
  }
  const before = (await dependents.of('policies'))?.get(`${namespace}/${name}`);
  // Never fewer: a NIC that is out for a moment would lose its virtual functions under the pods that have them.
  const known = before === undefined || !isOfNetwork(before, name) ? [] : rootDevicesOf(before);
  const needs = sriovNeeds(object, pluginArgs, [...known, ...nics], namespace);
  const verdict =
    (await keep(context, name, 'networks', sriovNetworkName(name), needs.network, signal)) ??
    (await keep(context, name, 'policies', name, needs.policy, signal)) ??
    (needs.policy === 'unknown' ? noNics : undefined);
  return verdict === undefined ? { resources } : { resources, verdict };
}

const noNics: Verdict<'NetworksReady'> = {
  holds: false,
  reason: 'NoDevices',
  message:
    'no host has a NIC with a PCI address in the network yet, so there is none to make virtual functions on: see the hosts that serve the network, or name a resource that exists in plugin.args.resourceName',
};

/** PCI addresses of the NICs on which hosts have a block of the network. */
function nicsOn({ hosts, assignments }: Parameters<typeof reconcileDevices>[3]): string[] {
  return hosts.flatMap(({ hostName, nics, nodeExists }) => {
    const blocks = nodeExists ? (assignments.get(hostName)?.blocks ?? []) : [];
    const names = new Set(blocks.map(({ interfaceName }) => interfaceName));
    return nics.filter((nic) => names.has(nic.name)).flatMap(({ pciAddress }) => pciAddress ?? []);
  });
}

function rootDevicesOf({ spec }: KubeObject): string[] {
  const { rootDevices } = fieldsOf(fieldsOf(spec)['nicSelector']);
  return Array.isArray(rootDevices) ? rootDevices.filter((one) => typeof one === 'string') : [];
}

/** Makes, changes or deletes one object. @returns what speaks against it */
async function keep(
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
    if (existing !== undefined && isOfNetwork(existing, network)) await remove(context.client, ref, existing, signal);
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

function crdMissing(kind: DependentKind): Verdict<'NetworksReady'> {
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

/** A NAD with another resource tells of an earlier plugin, or name; it is written after this. */
async function leaveEarlier(
  context: Context,
  network: string,
  resource: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const told = context.caches.nadsOf.of(network).map(({ metadata }) => metadata.annotations?.[resourceAnnotation]);
  if (told.some((one) => one !== undefined && one !== resource)) await removeDependents(context, network, signal);
}

/** Deletes what was made for a network, asking the server itself: a network that goes may be the first that is looked at. */
export async function removeDependents(context: Context, network: string, signal: AbortSignal): Promise<void> {
  const { client, dependents } = context;
  for (const [kind, name] of [
    ['networks', sriovNetworkName(network)],
    ['policies', network],
  ] as const) {
    const existing = await getLive<KubeObject>(client, dependents.refOf(kind), name);
    if (existing !== undefined && isOfNetwork(existing, network)) {
      await remove(client, dependents.refOf(kind), existing, signal);
    }
  }
}
