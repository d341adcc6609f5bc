import type { Schema } from './schema.ts';

/** metadata of a Kubernetes object, as far as multinic reads it. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  finalizers?: string[];
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** Any Kubernetes object. */
export interface KubeObject<Spec = unknown, Status = unknown> {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  spec?: Spec;
  status?: Status;
}

/** A condition as metav1.Condition has it. */
export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
  lastTransitionTime: string;
  observedGeneration?: number;
}

export const conditionsSchema = {
  type: 'array',
  description: 'The latest observations of the state, one of each type.',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
    properties: {
      type: { type: 'string', description: 'What the condition is about.' },
      status: {
        type: 'string',
        enum: ['True', 'False', 'Unknown'],
        description: 'Whether it holds: True, False or Unknown.',
      },
      reason: { type: 'string', description: 'Why, as one word for programs.' },
      message: { type: 'string', description: 'Why, and what to do, for people.' },
      lastTransitionTime: { type: 'string', format: 'date-time', description: 'When status last changed.' },
      observedGeneration: { type: 'integer', description: 'The metadata.generation that was judged.' },
    },
  },
} as const satisfies Schema;

/** The pair under which a host's blocks are published: neither part falls within one network uid. */
export const revisionSchema = {
  type: 'object',
  description: 'Revision of the network (its plan inputs and rails) and of the host entry in the ledger.',
  additionalProperties: false,
  required: ['network', 'host'],
  properties: {
    network: { type: 'integer', minimum: 0, description: 'Counts changes of plan inputs and rails.' },
    host: { type: 'integer', minimum: 0, description: "Counts changes of the host's ledger entry." },
  },
} as const satisfies Schema;
