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
    interfaceIndex: { type: 'integer', minimum: 0, description: 'Place in the interfaceBlock bits.' },
    netAddresses: texts('NIC network, at most one per family.'),
    ordinal: { type: 'integer', minimum: 0, description: "A host's how-manieth NIC on that network." },
    hostOverrides: {
      type: 'object',
      description: 'Host indexes that differ on this rail (imported from the predecessor).',
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
      description: 'Plan inputs, frozen while blocks are in use.',
      additionalProperties: false,
      properties: {
        name: { type: 'string', description: 'Network.' },
        uid: { type: 'string', description: 'uid of the network.' },
        type: { type: 'string', description: 'Plugin type.' },
        subnet: { type: 'string', description: 'First subnet.' },
        subnets: texts('Subnets, at most one per family.'),
        masterNets: texts('Networks of the pool; empty: all.'),
        hostBlock: { type: 'integer', minimum: 0, description: 'Bits that number hosts.' },
        interfaceBlock: { type: 'integer', minimum: 0, description: 'Bits that number rails.' },
        excludeCIDRs: texts('Prefixes that no pod gets.'),
        vlanMode: { type: 'string', description: 'l2, l3 or l3s.' },
      },
    },
    revision: { type: 'integer', minimum: 0, description: 'Counts changes of config and rails.' },
    interfaces: {
      type: 'array',
      description: 'Rails, by index.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['interfaceIndex'],
      items: rail,
    },
    releasedInterfaces: {
      type: 'array',
      description: 'Rails whose index is free again.',
      'x-kubernetes-list-type': 'atomic',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['interfaceIndex', 'at'],
        properties: {
          interfaceIndex: { type: 'integer', minimum: 0, description: 'Index of the rail.' },
          at: { type: 'string', format: 'date-time', description: 'When it was released.' },
        },
      },
    },
    cidr: {
      type: 'array',
      description: 'Not written any more: the whole plan as the predecessor stored it, read once on migration.',
      'x-kubernetes-list-type': 'atomic',
      items: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    },
  },
} as const satisfies Schema;

const status = {
  type: 'object',
  description: 'Unused.',
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
    { name: 'SUBNET', type: 'string', jsonPath: '.spec.config.subnet' },
    { name: 'REVISION', type: 'integer', jsonPath: '.spec.revision' },
    { name: 'AGE', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  spec,
  status,
} as const satisfies Kind;

export type CIDRSpec = Of<typeof spec>;
export type CIDR = KubeObject<CIDRSpec>;
export type RailEntry = Of<typeof rail>;
