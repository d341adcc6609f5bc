import type { MultiNicNetwork } from '../../api/kinds/multinicnetwork.ts';
import { messageOf } from '../../api/message-of.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { Network } from '../../api/network.ts';
import { fieldsOf } from '../../kube/calls/json.ts';
import type { Context } from '../context.ts';
import type { Assignments } from '../decide/desired.ts';
import type { HostView } from '../decide/view.ts';
import type { Verdict } from '../status/conditions.ts';
import { crdMissing, keep } from './keep.ts';
import { leaveEarlier } from './leave.ts';
import { mellanoxResources } from './mellanox.ts';
import { isOfNetwork } from './owned.ts';
import { sriovNeeds, sriovNetworkName } from './sriov.ts';

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
