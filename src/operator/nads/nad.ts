import { delegateOf } from '../../api/delegations.ts';
import type { MultiNicNetwork, MultiNicNetworkSpec } from '../../api/kinds/multinicnetwork.ts';
import type { KubeObject, OwnerReference } from '../../api/meta.ts';
import type { Network } from '../../api/network.ts';
import { isDeviceArg, pluginArg } from '../../api/plugin-args.ts';
import { apiVersion } from '../../api/schema.ts';
import { formatAddress } from '../../net/address.ts';
import { formatPrefix } from '../../net/prefix.ts';

/** A NetworkAttachmentDefinition of the Network Plumbing Working Group's specification, as far as it is used here. */
export type Nad = KubeObject<{ config?: string }>;

export const nadApiVersion = 'k8s.cni.cncf.io/v1';
export const nadKind = 'NetworkAttachmentDefinition';

/** The predecessor's label: what was generated may be changed and deleted by us. */
export const generatedLabel = 'multi-nic-cni-generated';

/**
 * The single-plugin config that Multus hands to `multi-nic`: the predecessor's keys in its order, with the network's own cniVersion
 * and without the daemon's address (the shim knows its socket).
 * @param masterNets NIC networks of the pool; where the spec names none, those of the rails
 * @param resourceNames of kubelet, whose devices the daemon looks for; none where the delegate takes no devices
 */
export function nadConfig(
  network: Network,
  spec: MultiNicNetworkSpec,
  masterNets: readonly string[],
  resourceNames: readonly string[] = [],
): string {
  return JSON.stringify({
    cniVersion: network.cniVersion,
    name: network.name,
    type: 'multi-nic',
    ipam: ipamOf(network, spec),
    dns: spec.plugin.dns ?? {},
    plugin: pluginOf(network, spec),
    subnet: network.subnets[0] === undefined ? '' : formatPrefix(network.subnets[0]),
    ...(network.subnets.length > 1 && { subnets: network.subnets.map(formatPrefix) }),
    masterNets,
    multiNICIPAM: network.ipam.kind === 'pool',
    ...capabilitiesOf(spec.plugin),
    ...(resourceNames.length > 0 && { resourceNames }),
  });
}

/** With those of chained plugins: Multus hands over what the one plugin that it sees declares. */
function capabilitiesOf({ capabilities, metaPlugins = [] }: MultiNicNetworkSpec['plugin']): Record<string, unknown> {
  const chained = metaPlugins.flatMap((entry) =>
    Object.entries(entry['capabilities'] ?? {}).filter(([, on]) => on === true),
  );
  if (capabilities === undefined && chained.length === 0) return {};
  return { capabilities: { ...capabilities, ...Object.fromEntries(chained) } };
}

/** The user's IPAM text with its keys sorted; the typed form is written in the same terms. */
function ipamOf(network: Network, spec: MultiNicNetworkSpec): Record<string, unknown> {
  const given: unknown = spec.ipam === undefined || spec.ipam === '' ? undefined : JSON.parse(spec.ipam);
  const fields: Record<string, unknown> = {
    ...(typeof given === 'object' && given !== null ? given : typedIpam(network, spec)),
  };
  // Where the predecessor's daemon listened: nothing here listens there.
  delete fields['daemonIP'];
  delete fields['daemonPort'];
  return Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function typedIpam(network: Network, spec: MultiNicNetworkSpec): Record<string, unknown> {
  return {
    type: 'multi-nic-ipam',
    hostBlock: network.hostBlock,
    interfaceBlock: network.interfaceBlock,
    ...(spec.addressing?.vlanMode !== undefined && { vlanMode: spec.addressing.vlanMode }),
    ...(network.excludes.length > 0 && { excludeCIDRs: network.excludes.map(formatPrefix) }),
    ...(network.routes.length > 0 && {
      routes: network.routes.map(({ dst, gw }) => ({ dst: formatPrefix(dst), ...(gw && { gw: formatAddress(gw) }) })),
    }),
    ...(network.sourceRouting && { sourceRouting: true }),
  };
}

/** The delegate's config without what differs from NIC to NIC. The mode is the effective one: the delegate's default is another. */
function pluginOf(network: Network, { plugin: { metaPlugins = [] } }: MultiNicNetworkSpec): Record<string, unknown> {
  const args = Object.entries(network.pluginArgs)
    .filter(([key, value]) => value !== '' && !isDeviceArg(network.pluginType, key))
    .flatMap(([key, value]) => {
      const arg = pluginArg(network.pluginType, key, value);
      return arg.ok ? [[arg.name, arg.value] as const] : [];
    });
  return {
    cniVersion: network.cniVersion,
    type: delegateOf(network.pluginType),
    ...(network.mode === undefined ? {} : { mode: network.mode }),
    ...Object.fromEntries(args.sort(([a], [b]) => (a < b ? -1 : 1))),
    ...(metaPlugins.length > 0 && { metaPlugins }),
  };
}

/** On a NAD: the resource whose devices kubelet gives to the pod, and Multus' delegate then (several: with commas). */
export const resourceAnnotation = 'k8s.v1.cni.cncf.io/resourceName';

/** The NAD of a network in one namespace. */
export function nadObject(owner: MultiNicNetwork, namespace: string, config: string, resource?: string): Nad {
  return {
    apiVersion: nadApiVersion,
    kind: nadKind,
    metadata: {
      name: owner.metadata.name,
      namespace,
      labels: { [generatedLabel]: 'true' },
      ...(resource !== undefined && { annotations: { [resourceAnnotation]: resource } }),
      ownerReferences: [ownerReference(owner)],
    },
    spec: { config },
  };
}

/** Marks what lives and dies with the network. */
export function ownerReference(owner: MultiNicNetwork): OwnerReference {
  return {
    apiVersion,
    kind: 'MultiNicNetwork',
    name: owner.metadata.name,
    uid: owner.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/**
 * Whether a NAD was generated for a network of that name (this one or a predecessor under the same name): it carries our label, or is
 * owned by a MultiNicNetwork of the name (a person may have removed the label). Anything else belongs to somebody.
 */
export function isOurs(nad: Nad): boolean {
  const { labels, ownerReferences, name } = nad.metadata;
  if (labels?.[generatedLabel] === 'true') return true;
  return (ownerReferences ?? []).some(
    (owner) => owner.kind === 'MultiNicNetwork' && owner.apiVersion === apiVersion && owner.name === name,
  );
}

/** Where the network's NADs belong: the namespaces it names, as far as they are Active; all Active ones when it names none. */
export function namespacesOf(network: Pick<Network, 'namespaces'>, active: ReadonlySet<string>): string[] {
  const wanted = network.namespaces.length === 0 ? [...active] : network.namespaces.filter((name) => active.has(name));
  return wanted.sort();
}
