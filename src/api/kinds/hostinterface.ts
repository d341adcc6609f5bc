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
    netAddress: {
      type: 'string',
      description:
        'Network of the first address, for example 10.1.1.0/24. As the first of netAddresses; kept for readers of older versions.',
    },
    netAddresses: texts(
      'Networks of the NIC, at most one for each address family. They say which pools (masterNets) the NIC is in.',
    ),
    hostIP: {
      type: 'string',
      description: 'First address of the NIC, as the first of hostIPs; kept for readers of older versions.',
    },
    hostIPs: texts('Addresses of the NIC, one for each of netAddresses.'),
    vendor: {
      type: 'string',
      description: 'PCI vendor id, four hex digits: 15b3 is Mellanox. What a DeviceClass compares.',
    },
    product: { type: 'string', description: 'PCI device id, four hex digits, of that vendor.' },
    pciAddress: {
      type: 'string',
      description: 'PCI address, for example 0000:18:00.0: by it the plan knows the NIC again under another name.',
    },
    mac: {
      type: 'string',
      description: 'Hardware address (MAC): by it the plan knows a NIC again that has no PCI address.',
    },
    mtu: { type: 'integer', description: 'Largest packet that the link carries, in bytes.' },
    driver: { type: 'string', description: 'Kernel driver of the NIC, for example mlx5_core.' },
    speedMbps: {
      type: 'integer',
      description: 'Speed of the link in Mbit/s, as the driver says; absent when it says none.',
    },
    numaNode: {
      type: 'integer',
      description: 'NUMA node that the NIC is attached to; absent where there is one node only.',
    },
    pfName: { type: 'string', description: 'Name of the physical function, when the NIC is a virtual function.' },
    rdmaDevice: { type: 'string', description: 'RDMA device on the NIC, for example mlx5_0.' },
    linkLocal: {
      type: 'string',
      description: 'IPv6 link-local address: the next hop to the host where it has no global one.',
    },
    up: { type: 'boolean', description: 'Whether the link is administratively up and has carrier.' },
  },
} as const satisfies Schema;

const claim = {
  type: 'object',
  description: 'What the daemon serves of one network.',
  additionalProperties: false,
  required: ['name', 'uid', 'hostIndex', 'revision'],
  properties: {
    name: { type: 'string', description: 'Name of the MultiNicNetwork.' },
    uid: { type: 'string', description: 'uid of the MultiNicNetwork: another one of the same name is not meant.' },
    hostIndex: {
      type: 'integer',
      minimum: 0,
      description: 'Index of the host in the address plan under which the daemon serves the network.',
    },
    revision: revisionSchema,
    acknowledged: {
      type: 'string',
      enum: ['Serving', 'Stopped', 'Empty'],
      description: 'Serving: ADD is answered. Stopped: draining, pods remain. Empty: draining and no address is held.',
    },
    attachments: {
      type: 'integer',
      minimum: 0,
      description:
        'Attachments of pods to a network whose addresses another IPAM plugin gives; up to 10 s old. IPPools tell those of others.',
    },
    interfaces: {
      type: 'array',
      description: 'Rails (NIC networks) on which the daemon serves addresses.',
      'x-kubernetes-list-type': 'atomic',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['interfaceIndex', 'netAddresses', 'ordinal'],
        properties: {
          interfaceIndex: {
            type: 'integer',
            minimum: 0,
            description: 'Index of the rail in the address plan, counted in the interfaceBlock bits.',
          },
          netAddresses: texts('NIC networks of the rail, at most one for each address family.'),
          ordinal: {
            type: 'integer',
            minimum: 0,
            description: "0 for the host's first NIC on that network, 1 for its second.",
          },
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
    interfaceIndex: {
      type: 'integer',
      minimum: 0,
      description: 'Index of the rail in the address plan, counted in the interfaceBlock bits.',
    },
    interfaceName: { type: 'string', description: 'Name of the NIC that carries the rail on this host.' },
    netAddresses: texts('Networks of that NIC, at most one for each address family.'),
    vlanCIDRs: texts('Prefix of the whole rail, over all hosts; one for each address family.'),
    podCIDRs: texts("This host's block of the rail, from which its pods get addresses; one for each address family."),
    excludes: texts('Prefixes inside podCIDRs that no pod gets.'),
    draining: { type: 'boolean', description: 'Whether the daemon gives no new addresses of this block.' },
  },
} as const satisfies Schema;

const spec = {
  type: 'object',
  description: 'Written by the daemon: the NICs of the host and what it serves.',
  additionalProperties: false,
  properties: {
    hostName: { type: 'string', description: 'Name of the Node.' },
    nics: { type: 'string', description: 'Names of the NICs, as one text for people: eth1,eth2.' },
    serves: { type: 'string', description: 'Names of the networks that it serves, as one text for people.' },
    interfaces: {
      type: 'array',
      description: "The host's NICs that pods may use, with what a policy can choose them by.",
      'x-kubernetes-list-type': 'atomic',
      items: nic,
    },
    networks: {
      type: 'array',
      description: 'What the daemon says that it serves, by network: its answer to status.networks.',
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
      description: 'Never written; kept because multi-nic-cni declared it.',
      'x-kubernetes-preserve-unknown-fields': true,
    },
    networks: {
      type: 'array',
      description: 'What the daemon shall serve, by network: the blocks that the operator has planned for this host.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'uid', 'hostIndex', 'revision', 'blocks'],
        properties: {
          name: { type: 'string', description: 'Name of the MultiNicNetwork.' },
          uid: {
            type: 'string',
            description: 'uid of the MultiNicNetwork: another one of the same name is not meant.',
          },
          hostIndex: {
            type: 'integer',
            minimum: 0,
            description: 'Index of the host in the address plan, counted in the hostBlock bits.',
          },
          revision: revisionSchema,
          draining: {
            type: 'boolean',
            description: 'Whether the daemon shall stop giving addresses, since the network goes or its blocks move.',
          },
          blocks: {
            type: 'array',
            description: "The host's block on each of its rails (NIC networks).",
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
  columns: [
    { name: 'NICS', type: 'string', jsonPath: '.spec.nics' },
    { name: 'SERVES', type: 'string', jsonPath: '.spec.serves' },
    { name: 'AGE', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
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
