import type { KubeObject } from '../meta.ts';
import type { Kind, Of, Schema } from '../schema.ts';

const spec = {
  type: 'object',
  description: 'The NIC models that make up the class.',
  additionalProperties: false,
  properties: {
    ids: {
      type: 'array',
      description: 'Vendors with those of their products that belong to the class.',
      'x-kubernetes-list-type': 'atomic',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['vendor', 'products'],
        properties: {
          vendor: { type: 'string', description: 'PCI vendor id, four hex digits: 15b3 is Mellanox.' },
          products: {
            type: 'array',
            items: { type: 'string' },
            description: 'PCI device ids of that vendor, four hex digits each: 101b, 101d.',
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

export const deviceClass = {
  kind: 'DeviceClass',
  plural: 'deviceclasses',
  singular: 'deviceclass',
  shortNames: ['mndc'],
  description: 'A named set of NIC models, for the attach policy devClass.',
  columns: [
    { name: 'IDS', type: 'string', jsonPath: '.spec.ids' },
    { name: 'AGE', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  spec,
  status,
} as const satisfies Kind;

export type DeviceClassSpec = Of<typeof spec>;
export type DeviceClass = KubeObject<DeviceClassSpec>;
