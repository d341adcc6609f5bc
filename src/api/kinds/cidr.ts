import type { KubeObject } from '../meta.ts';
import type { Kind, Of, Schema } from '../schema.ts';

const texts = (description: string) =>
  ({ type: 'array', description, 'x-kubernetes-list-type': 'atomic', items: { type: 'string' } }) as const;

const rail = {
  type: 'object',
  description: 'One rail: the NICs of one network and ordinal.',
  additionalProperties: false,
  required: ['interfaceIndex', 'netAddresses', 'ordinal'],
  properties: {
    interfaceIndex: {
      type: 'integer',
      minimum: 0,
      description: 'Index of the rail, counted in the interfaceBlock bits of an address.',
    },
    netAddresses: texts('NIC networks of the rail, at most one for each address family.'),
    ordinal: {
      type: 'integer',
      minimum: 0,
      description: "0 for each host's first NIC on that network, 1 for its second.",
    },
    hostOverrides: {
      type: 'object',
      description: 'Host indexes that differ on this rail (imported from multi-nic-cni).',
      additionalProperties: { type: 'integer' },
    },
  },
} as const satisfies Schema;

const spec = {
  type: 'object',
  description: "Head of a network's ledger.",
  additionalProperties: false,
  properties: {
    config: {
      type: 'object',
      description: 'What the plan was made from; does not change while a change would move blocks in use.',
      additionalProperties: false,
      properties: {
        name: { type: 'string', description: 'Name of the MultiNicNetwork.' },
        uid: {
          type: 'string',
          description: 'uid of the MultiNicNetwork: the ledger of another one of the same name is not read.',
        },
        type: { type: 'string', description: 'Plugin that makes the interfaces, for example ipvlan.' },
        subnet: { type: 'string', description: 'First of subnets; kept for readers of older versions.' },
        subnets: texts(
          'Subnets that are divided, at most one for each address family; empty: the NIC networks themselves are.',
        ),
        masterNets: texts('NIC networks that make up the pool; empty: all.'),
        hostBlock: { type: 'integer', minimum: 0, description: 'Bits of an address that number the hosts.' },
        interfaceBlock: {
          type: 'integer',
          minimum: 0,
          description: 'Bits of an address that number the rails (NIC networks).',
        },
        excludeCIDRs: texts('Prefixes and single addresses that no pod gets.'),
        vlanMode: { type: 'string', description: 'How packets travel between hosts: l2, l3 or l3s.' },
      },
    },
    revision: { type: 'integer', minimum: 0, description: 'Counts the changes of config and interfaces; never falls.' },
    interfaces: {
      type: 'array',
      description: 'The rails (NIC networks) that have an index.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['interfaceIndex'],
      items: rail,
    },
    releasedInterfaces: {
      type: 'array',
      description: 'Indexes of rails that are free again, the oldest first.',
      'x-kubernetes-list-type': 'atomic',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['interfaceIndex', 'at'],
        properties: {
          interfaceIndex: { type: 'integer', minimum: 0, description: 'Index that the rail had.' },
          at: { type: 'string', format: 'date-time', description: 'When the index was released.' },
        },
      },
    },
    cidr: {
      type: 'array',
      description: 'Not written any more: the whole plan as multi-nic-cni stored it, read once on migration.',
      'x-kubernetes-list-type': 'atomic',
      items: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    },
  },
} as const satisfies Schema;

const status = {
  type: 'object',
  description: 'Nothing is written here.',
  additionalProperties: false,
  properties: {},
} as const satisfies Schema;

export const cidr = {
  kind: 'CIDR',
  plural: 'cidrs',
  singular: 'cidr',
  shortNames: ['mncidr'],
  description: "Head of one network's address ledger; written by the operator only.",
  columns: [
    { name: 'PLUGIN', type: 'string', jsonPath: '.spec.config.type' },
    { name: 'SUBNETS', type: 'string', jsonPath: '.spec.config.subnets' },
    { name: 'RAIL-BITS', type: 'integer', jsonPath: '.spec.config.interfaceBlock' },
    { name: 'HOST-BITS', type: 'integer', jsonPath: '.spec.config.hostBlock' },
    { name: 'REVISION', type: 'integer', jsonPath: '.spec.revision' },
    { name: 'AGE', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  spec,
  status,
} as const satisfies Kind;

export type CIDRSpec = Of<typeof spec>;
export type CIDR = KubeObject<CIDRSpec>;
export type RailEntry = Of<typeof rail>;
