import type { KubeObject } from '../meta.ts';
import type { Kind, Of, Schema } from '../schema.ts';

const texts = (description: string) =>
  ({ type: 'array', description, 'x-kubernetes-list-type': 'atomic', items: { type: 'string' } }) as const;

const spec = {
  type: 'object',
  description: 'One block: a network on one NIC of one host.',
  additionalProperties: false,
  properties: {
    podCIDR: { type: 'string', description: 'First of podCIDRs.' },
    podCIDRs: texts("The host's block, one per family."),
    vlanCIDR: { type: 'string', description: 'First of vlanCIDRs.' },
    vlanCIDRs: texts('The whole rail, one per family.'),
    netAttachDef: { type: 'string', description: 'Network.' },
    networkUID: { type: 'string', description: 'uid of the network.' },
    hostName: { type: 'string', description: 'Node name.' },
    interfaceName: { type: 'string', description: 'NIC.' },
    interfaceIndex: { type: 'integer', minimum: 0, description: 'Index of the rail.' },
    excludes: texts('Prefixes in the block that no pod gets.'),
    allocations: {
      type: 'array',
      description: 'Not written any more: read once on migration from the predecessor.',
      'x-kubernetes-list-type': 'atomic',
      items: {
        type: 'object',
        additionalProperties: false,
        properties: {
          pod: { type: 'string', description: 'Pod.' },
          namespace: { type: 'string', description: 'Namespace of the pod.' },
          index: { type: 'integer', description: 'Place in the block.' },
          address: { type: 'string', description: 'Address.' },
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
    address: { type: 'string', description: 'Address.' },
    containerID: { type: 'string', description: 'Sandbox of the pod.' },
    ifname: { type: 'string', description: 'CNI_IFNAME of the attachment.' },
    podUID: { type: 'string', description: 'uid of the pod.' },
    namespace: { type: 'string', description: 'Namespace of the pod.' },
    pod: { type: 'string', description: 'Pod.' },
  },
} as const satisfies Schema;

const status = {
  type: 'object',
  description: 'What the daemon has handed out, published now and then; never read on the hot path.',
  additionalProperties: false,
  properties: {
    capacity: { type: 'string', description: 'Addresses that can be handed out, as a decimal number.' },
    allocated: { type: 'integer', minimum: 0, description: 'Addresses in use.' },
    resting: { type: 'integer', minimum: 0, description: 'Addresses released a moment ago.' },
    allocations: {
      type: 'array',
      description: 'Addresses in use.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['address'],
      items: allocation,
    },
    outOfSyncSince: { type: 'string', format: 'date-time', description: 'Since when host routes are not as planned.' },
    lastError: { type: 'string', description: 'Why they are not.' },
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
