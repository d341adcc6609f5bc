import { type KubeObject, revisionSchema } from '../meta.ts';
import type { Kind, Of, Schema } from '../schema.ts';

const texts = (description: string) =>
  ({ type: 'array', description, 'x-kubernetes-list-type': 'atomic', items: { type: 'string' } }) as const;

const nic = {
  type: 'object',
  description: 'One NIC of the pool.',
  additionalProperties: false,
  required: ['interfaceName'],
  properties: {
    interfaceName: { type: 'string', description: 'Name of the link on the host.' },
    netAddress: { type: 'string', description: 'Network of the first address.' },
    netAddresses: texts('Networks of the NIC, at most one per family.'),
    hostIP: { type: 'string', description: 'First address.' },
    hostIPs: texts('Addresses of the NIC, one for each of netAddresses.'),
    vendor: { type: 'string', description: 'PCI vendor id, four hex digits.' },
    product: { type: 'string', description: 'PCI device id, four hex digits.' },
    pciAddress: { type: 'string', description: 'PCI address, as 0000:18:00.0.' },
    mac: { type: 'string', description: 'Hardware address.' },
    mtu: { type: 'integer', description: 'Bytes.' },
    driver: { type: 'string', description: 'Kernel driver.' },
    speedMbps: { type: 'integer', description: 'Link speed.' },
    numaNode: { type: 'integer', description: 'NUMA node, where there is one.' },
    pfName: { type: 'string', description: 'Physical function, if the NIC is a virtual one.' },
    rdmaDevice: { type: 'string', description: 'RDMA device on the NIC.' },
    linkLocal: { type: 'string', description: 'IPv6 link-local address.' },
    up: { type: 'boolean', description: 'Administratively up and with carrier.' },
  },
} as const satisfies Schema;

const claim = {
  type: 'object',
  description: 'What the daemon serves of one network.',
  additionalProperties: false,
  required: ['name', 'uid', 'hostIndex', 'revision'],
  properties: {
    name: { type: 'string', description: 'Network.' },
    uid: { type: 'string', description: 'uid of the network.' },
    hostIndex: { type: 'integer', minimum: 0, description: 'Host index that it serves.' },
    revision: revisionSchema,
    acknowledged: {
      type: 'string',
      enum: ['Serving', 'Stopped', 'Empty'],
      description: 'Serving: ADD is answered. Stopped: draining, pods remain. Empty: draining and no address is held.',
    },
    interfaces: {
      type: 'array',
      description: 'Rails that it serves.',
      'x-kubernetes-list-type': 'atomic',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['interfaceIndex', 'netAddresses', 'ordinal'],
        properties: {
          interfaceIndex: { type: 'integer', minimum: 0, description: 'Index of the rail.' },
          netAddresses: texts('Networks of the rail.'),
          ordinal: { type: 'integer', minimum: 0, description: "The host's how-manieth NIC on that network." },
        },
      },
    },
  },
} as const satisfies Schema;

const block = {
  type: 'object',
  description: "The host's share of one rail.",
  additionalProperties: false,
  required: ['interfaceIndex', 'interfaceName', 'netAddresses', 'vlanCIDRs', 'podCIDRs'],
  properties: {
    interfaceIndex: { type: 'integer', minimum: 0, description: 'Index of the rail.' },
    interfaceName: { type: 'string', description: 'NIC that carries it on this host.' },
    netAddresses: texts('Networks of the NIC.'),
    vlanCIDRs: texts('Prefix of the whole rail, one per family.'),
    podCIDRs: texts("This host's part of it, one per family."),
    excludes: texts('Prefixes inside podCIDRs that no pod gets.'),
    draining: { type: 'boolean', description: 'No new addresses are given.' },
  },
} as const satisfies Schema;

const spec = {
  type: 'object',
  description: 'Written by the daemon: the NICs of the host and what it serves.',
  additionalProperties: false,
  properties: {
    hostName: { type: 'string', description: 'Node name.' },
    interfaces: {
      type: 'array',
      description: 'NICs of the pool.',
      'x-kubernetes-list-type': 'atomic',
      items: nic,
    },
    networks: {
      type: 'array',
      description: 'Claims: what the daemon serves.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: claim,
    },
  },
} as const satisfies Schema;

const status = {
  type: 'object',
  description: 'Written by the operator: the blocks of the host.',
  additionalProperties: false,
  properties: {
    stat: {
      type: 'object',
      description: 'Never written; kept because the predecessor declared it.',
      'x-kubernetes-preserve-unknown-fields': true,
    },
    networks: {
      type: 'array',
      description: 'Blocks by network.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'uid', 'hostIndex', 'revision', 'blocks'],
        properties: {
          name: { type: 'string', description: 'Network.' },
          uid: { type: 'string', description: 'uid of the network.' },
          hostIndex: { type: 'integer', minimum: 0, description: 'Index of the host in the network.' },
          revision: revisionSchema,
          draining: { type: 'boolean', description: 'The daemon must stop giving addresses.' },
          blocks: {
            type: 'array',
            description: "The host's share of each rail.",
            'x-kubernetes-list-type': 'atomic',
            items: block,
          },
        },
      },
    },
  },
} as const satisfies Schema;

export const hostInterface = {
  kind: 'HostInterface',
  plural: 'hostinterfaces',
  singular: 'hostinterface',
  shortNames: ['hif'],
  description: 'One node: its pool NICs, its blocks and what its daemon serves.',
  columns: [{ name: 'AGE', type: 'date', jsonPath: '.metadata.creationTimestamp' }],
  spec,
  status,
} as const satisfies Kind;

export type HostInterfaceSpec = Of<typeof spec>;
export type HostInterfaceStatus = Of<typeof status>;
export type HostInterface = KubeObject<HostInterfaceSpec, HostInterfaceStatus>;
export type NicStatus = Of<typeof nic>;
export type ClaimStatus = Of<typeof claim>;
export type BlockStatus = Of<typeof block>;
export type PublishedNetwork = NonNullable<HostInterfaceStatus['networks']>[number];
