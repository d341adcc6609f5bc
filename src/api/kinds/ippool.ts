import type { KubeObject } from '../meta.ts';
import type { Kind, Of, Schema } from '../schema.ts';

const texts = (description: string) =>
  ({ type: 'array', description, 'x-kubernetes-list-type': 'atomic', items: { type: 'string' } }) as const;

const spec = {
  type: 'object',
  description: 'One block: a network on one NIC of one host.',
  additionalProperties: false,
  properties: {
    podCIDR: { type: 'string', description: 'First of podCIDRs; kept for readers of older versions.' },
    podCIDRs: texts("The host's block, from which its pods get addresses; one for each address family."),
    vlanCIDR: { type: 'string', description: 'First of vlanCIDRs; kept for readers of older versions.' },
    vlanCIDRs: texts('Prefix of the whole rail, over all hosts; one for each address family.'),
    netAttachDef: {
      type: 'string',
      description: 'Name of the MultiNicNetwork, which is that of its NetworkAttachmentDefinitions.',
    },
    networkUID: { type: 'string', description: 'uid of the MultiNicNetwork.' },
    hostName: { type: 'string', description: 'Name of the Node.' },
    interfaceName: { type: 'string', description: 'Name of the NIC on the host.' },
    interfaceIndex: {
      type: 'integer',
      minimum: 0,
      description: 'Index of the rail (NIC network) in the address plan.',
    },
    excludes: texts('Prefixes in the block that no pod gets.'),
    allocations: {
      type: 'array',
      description: 'Not written any more: read once on migration from multi-nic-cni.',
      'x-kubernetes-list-type': 'atomic',
      items: {
        type: 'object',
        additionalProperties: false,
        properties: {
          pod: { type: 'string', description: 'Name of the pod.' },
          namespace: { type: 'string', description: 'Namespace of the pod.' },
          index: { type: 'integer', description: 'Place of the address in the block.' },
          address: { type: 'string', description: 'The address that the pod got.' },
        },
      },
    },
  },
} as const satisfies Schema;

const allocation = {
  type: 'object',
  additionalProperties: false,
  required: ['address', 'containerID', 'ifname'],
  properties: {
    address: { type: 'string', description: 'The address that is in use.' },
    containerID: { type: 'string', description: 'Id of the pod sandbox, as the container runtime has it.' },
    ifname: { type: 'string', description: 'Interface name that the runtime asked for, for example net1.' },
    podUID: { type: 'string', description: 'uid of the pod.' },
    namespace: { type: 'string', description: 'Namespace of the pod.' },
    pod: { type: 'string', description: 'Name of the pod.' },
  },
} as const satisfies Schema;

const status = {
  type: 'object',
  description: 'What the daemon has handed out, published now and then; never read on the hot path.',
  additionalProperties: false,
  properties: {
    capacity: { type: 'string', description: 'Addresses that can be handed out, as a decimal number.' },
    allocated: { type: 'integer', minimum: 0, description: 'How many addresses are in use.' },
    resting: {
      type: 'integer',
      minimum: 0,
      description: 'How many addresses were released a moment ago and are not given out yet.',
    },
    allocations: {
      type: 'array',
      description: 'The addresses in use, and by which pods.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['address'],
      items: allocation,
    },
    outOfSyncSince: {
      type: 'string',
      format: 'date-time',
      description: 'Since when the host routes of the network are not as planned; absent while they are.',
    },
    lastError: { type: 'string', description: 'Why the host routes are not as planned.' },
  },
} as const satisfies Schema;

export const ipPool = {
  kind: 'IPPool',
  plural: 'ippools',
  singular: 'ippool',
  shortNames: ['mnpool'],
  description: 'What one host has handed out on one network and NIC; written by its daemon.',
  columns: [
    { name: 'NETWORK', type: 'string', jsonPath: '.spec.netAttachDef' },
    { name: 'HOST', type: 'string', jsonPath: '.spec.hostName' },
    { name: 'NIC', type: 'string', jsonPath: '.spec.interfaceName' },
    { name: 'BLOCK', type: 'string', jsonPath: '.spec.podCIDR' },
    { name: 'USED', type: 'integer', jsonPath: '.status.allocated' },
    { name: 'CAPACITY', type: 'string', jsonPath: '.status.capacity' },
    { name: 'RESTING', type: 'integer', jsonPath: '.status.resting', priority: 1 },
    { name: 'OUT-OF-SYNC', type: 'date', jsonPath: '.status.outOfSyncSince', priority: 1 },
    { name: 'AGE', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  spec,
  status,
} as const satisfies Kind;

export type IPPoolSpec = Of<typeof spec>;
export type IPPoolStatus = Of<typeof status>;
export type IPPool = KubeObject<IPPoolSpec, IPPoolStatus>;
export type PoolAllocation = Of<typeof allocation>;

/** Labels by which pools are found (the predecessor's names). */
export const poolHostLabel = 'hostname';
export const poolNetworkLabel = 'netname';
