import type { KubeObject } from '../meta.ts';
import type { Kind, Of, Schema } from '../schema.ts';

const host = {
  type: 'object',
  description: 'The holder of one host index.',
  additionalProperties: false,
  required: ['hostIndex', 'hostName', 'revision'],
  properties: {
    hostIndex: { type: 'integer', minimum: 0, description: 'Place in the hostBlock bits.' },
    hostName: { type: 'string', description: 'Node name.' },
    revision: { type: 'integer', minimum: 0, description: 'Counts changes of this entry.' },
    addresses: {
      type: 'array',
      description: "Addresses of the host's NICs, by rail: the next hops of l3 routes.",
      'x-kubernetes-list-type': 'atomic',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['interfaceIndex', 'hostIPs'],
        properties: {
          interfaceIndex: { type: 'integer', minimum: 0, description: 'Index of the rail.' },
          hostIPs: { type: 'array', items: { type: 'string' }, description: 'At most one per family.' },
          nic: {
            type: 'string',
            description: 'PCI address, else MAC, where the host has several NICs on the network.',
          },
          linkLocal: { type: 'string', description: 'Only for IPv6 without a global address.' },
        },
      },
    },
  },
} as const satisfies Schema;

const spec = {
  type: 'object',
  description: 'Host indexes 32k … 32k+31 of a ledger.',
  additionalProperties: false,
  required: ['network', 'firstIndex'],
  properties: {
    network: { type: 'string', description: 'Network.' },
    uid: { type: 'string', description: 'uid of the network.' },
    firstIndex: { type: 'integer', minimum: 0, description: '32k.' },
    hosts: {
      type: 'array',
      description: 'Hosts that hold an index.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['hostIndex'],
      items: host,
    },
    released: {
      type: 'array',
      description: 'Indexes whose host is gone.',
      'x-kubernetes-list-type': 'atomic',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['hostIndex', 'hostName', 'at'],
        properties: {
          hostIndex: { type: 'integer', minimum: 0, description: 'Index.' },
          hostName: { type: 'string', description: 'Its last holder: gets it back at once.' },
          at: { type: 'string', format: 'date-time', description: 'When it was released.' },
          acknowledged: { type: 'boolean', description: 'The daemon said that it is stopped and empty.' },
        },
      },
    },
  },
} as const satisfies Schema;

const status = {
  type: 'object',
  description: 'Unused.',
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
