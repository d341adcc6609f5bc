import type { MultiNicNetwork } from '../../api/kinds/multinicnetwork.ts';
import type { KubeObject } from '../../api/meta.ts';
import { pluginArg } from '../../api/plugin-args.ts';
import { ownerReference } from '../nads/nad.ts';
import { networkLabel } from './owned.ts';

/** Of the SR-IOV network operator: what it has kubelet offer. */
const resourcePrefix = 'openshift.io';
const apiVersion = 'sriovnetwork.openshift.io/v1';

type Args = Readonly<Record<string, string>>;

/** What a network of type sriov asks for beside its NADs. */
export interface SriovNeeds {
  /** As kubelet knows it. */
  readonly resource: string;
  /** none: the resource is somebody else's. unknown: no NIC is known yet; what stands there stays. */
  readonly policy: KubeObject | 'none' | 'unknown';
  /** none: the resource is of another device plugin. */
  readonly network: KubeObject | 'none';
}

/**
 * The predecessor's rules. A SriovNetworkNodePolicy, named after the network, has virtual functions made on the PCI addresses of the
 * network's NICs, unless `resourceName` names a resource that exists; a SriovNetwork `<network>-net` goes with it in either case. A
 * name with its prefix (`intel.com/neta`) is of another device plugin: neither is made.
 * @param devices PCI addresses of the network's NICs on all hosts, and those that the policy has already
 * @param namespace of the SR-IOV network operator
 */
export function sriovNeeds(
  owner: MultiNicNetwork,
  args: Args,
  devices: readonly string[],
  namespace: string,
): SriovNeeds {
  const { name } = owner.metadata;
  const given = args['resourceName'] ?? '';
  if (given.includes('/')) return { resource: given, policy: 'none', network: 'none' };
  const resourceName = given === '' ? name.replaceAll(/[.-]/g, '') : given;
  const metadata = (own: string): KubeObject['metadata'] => ({
    name: own,
    namespace,
    labels: { [networkLabel]: name },
    ownerReferences: [ownerReference(owner)],
  });
  const network: KubeObject = {
    apiVersion,
    kind: 'SriovNetwork',
    metadata: metadata(sriovNetworkName(name)),
    spec: { resourceName, ...named(args, networkFields) },
  };
  const resource = `${resourcePrefix}/${resourceName}`;
  if (given !== '') return { resource, network, policy: 'none' };
  if (devices.length === 0) return { resource, network, policy: 'unknown' };
  const policy: KubeObject = {
    apiVersion,
    kind: 'SriovNetworkNodePolicy',
    metadata: metadata(name),
    spec: {
      resourceName,
      nodeSelector: { 'feature.node.kubernetes.io/network-sriov.capable': 'true' },
      numVfs: 1,
      ...named(args, policyFields),
      nicSelector: { rootDevices: [...new Set(devices)].sort() },
    },
  };
  return { resource, network, policy };
}

/** The predecessor's name. */
export function sriovNetworkName(network: string): string {
  return `${network}-net`;
}

/** Field by the argument's name as sriov-cni has it. */
const networkFields: Args = {
  vlan: 'vlan',
  vlanQoS: 'vlanQoS',
  vlanProto: 'vlanProto',
  min_tx_rate: 'minTxRate',
  max_tx_rate: 'maxTxRate',
  spoofchk: 'spoofChk',
  trust: 'trust',
  link_state: 'linkState',
};
const policyFields: Args = {
  numVfs: 'numVfs',
  priority: 'priority',
  mtu: 'mtu',
  isRdma: 'isRdma',
  needVhostNet: 'needVhostNet',
};

/** Fields that we write, and so take away when they are not wanted any more. */
export const sriovFields: readonly string[] = [
  'resourceName',
  ...Object.values(networkFields),
  ...Object.values(policyFields),
];

function named(args: Args, fields: Args): Record<string, unknown> {
  const entries = Object.entries(args).flatMap(([given, text]) => {
    const arg = text === '' ? undefined : pluginArg('sriov', given, text);
    const field = arg?.ok === true && Object.hasOwn(fields, arg.name) ? fields[arg.name] : undefined;
    return field === undefined || arg?.ok !== true ? [] : [[field, arg.value] as const];
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
