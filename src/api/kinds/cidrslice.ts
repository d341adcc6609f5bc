import type { KubeObject } from '../meta.ts';
import type { Kind, Of, Schema } from '../schema.ts';

const host = {
  type: 'object',
  description: 'The holder of one host index.',
  additionalProperties: false,
  required: ['hostIndex', 'hostName', 'revision'],
  properties: {
    hostIndex: {
      type: 'integer',
      minimum: 0,
      description: 'Index of the host, counted in the hostBlock bits of an address.',
    },
    hostName: { type: 'string', description: 'Name of the Node.' },
    revision: {
      type: 'integer',
      minimum: 0,
      description: 'Counts the changes of what the host shall serve; never falls.',
    },
    addresses: {
      type: 'array',
      description: "Addresses of the host's NICs, by rail: the next hops of l3 routes.",
      'x-kubernetes-list-type': 'atomic',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['interfaceIndex', 'hostIPs'],
        properties: {
          interfaceIndex: {
            type: 'integer',
            minimum: 0,
            description: 'Index of the rail on which the host has these addresses.',
          },
          hostIPs: {
            type: 'array',
            items: { type: 'string' },
            description: 'Addresses of the NIC, at most one for each address family.',
          },
          nic: {
            type: 'string',
            description: 'PCI address of the NIC, else its MAC, where the host has several NICs on the network.',
          },
          linkLocal: { type: 'string', description: 'IPv6 link-local address of the NIC, where it has no global one.' },
        },
      },
    },
  },
} as const satisfies Schema;

const spec = {
  type: 'object',
  description: '32 host indexes of the ledger, from firstIndex on.',
  additionalProperties: false,
  required: ['network', 'firstIndex'],
  properties: {
    network: { type: 'string', description: 'Name of the MultiNicNetwork.' },
    uid: {
      type: 'string',
      description: 'uid of the MultiNicNetwork: the ledger of another one of the same name is not read.',
    },
    firstIndex: {
      type: 'integer',
      minimum: 0,
      description: 'First of the 32 host indexes that this slice is about; a multiple of 32.',
    },
    hosts: {
      type: 'array',
      description: 'Hosts that hold one of these indexes.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['hostIndex'],
      items: host,
    },
    released: {
      type: 'array',
      description: 'Indexes whose host is gone; given to another host only when no other is left.',
      'x-kubernetes-list-type': 'atomic',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['hostIndex', 'hostName', 'at'],
        properties: {
          hostIndex: { type: 'integer', minimum: 0, description: 'Index that the host had.' },
          hostName: { type: 'string', description: 'Its last holder, which gets it back at once when it returns.' },
          at: { type: 'string', format: 'date-time', description: 'When the index was released.' },
          acknowledged: {
            type: 'boolean',
            description: 'Whether the daemon had said that it serves nothing and that no pod holds an address.',
          },
        },
      },
    },
  },
} as const satisfies Schema;

const status = {
  type: 'object',
  description: 'Nothing is written here.',
  additionalProperties: false,
  properties: {},
} as const satisfies Schema;

export const cidrSlice = {
  kind: 'CIDRSlice',
  plural: 'cidrslices',
  singular: 'cidrslice',
  shortNames: ['mnslice'],
  description: "32 host indexes of a network's address ledger; written by the operator only.",
  columns: [
    { name: 'NETWORK', type: 'string', jsonPath: '.spec.network' },
    { name: 'FIRST', type: 'integer', jsonPath: '.spec.firstIndex' },
    { name: 'AGE', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  spec,
  status,
} as const satisfies Kind;

export type CIDRSliceSpec = Of<typeof spec>;
export type CIDRSlice = KubeObject<CIDRSliceSpec>;
export type SliceHost = Of<typeof host>;

/** Host indexes in one slice. */
export const indexesPerSlice = 32;
