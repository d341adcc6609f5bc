import { conditionsSchema, type KubeObject } from '../meta.ts';
import type { Kind, Of, Schema } from '../schema.ts';

const texts = (description: string) =>
  ({ type: 'array', description, 'x-kubernetes-list-type': 'atomic', items: { type: 'string' } }) as const;
const open = (description: string) =>
  ({ type: 'object', description, 'x-kubernetes-preserve-unknown-fields': true }) as const;
const opens = (description: string) =>
  ({
    type: 'array',
    description,
    'x-kubernetes-list-type': 'atomic',
    items: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  }) as const;

const daemon = {
  type: 'object',
  description: "The daemon's DaemonSet.",
  additionalProperties: false,
  properties: {
    image: { type: 'string', description: "Image of the daemon; default: the operator's own." },
    port: { type: 'integer', description: 'Port of health and metrics.' },
    imagePullPolicy: { type: 'string', description: 'As for a container.' },
    imagePullSecretName: { type: 'string', description: 'Secret for the registry.' },
    env: opens('Environment of the container.'),
    envFrom: opens('Environment of the container.'),
    mounts: opens("The predecessor's host mounts; ignored."),
    nodeSelector: { type: 'object', description: 'Nodes that run a daemon.', additionalProperties: { type: 'string' } },
    tolerations: opens('Taints that the daemon tolerates.'),
    resources: open('Resources of the container.'),
    securityContext: open("The predecessor's security context; ignored."),
  },
} as const satisfies Schema;

const spec = {
  type: 'object',
  description: 'Settings of all daemons.',
  additionalProperties: false,
  properties: {
    daemon,
    cniBinDir: { type: 'string', description: 'Where the host keeps CNI plugins.' },
    logLevel: { type: 'integer', description: '1 (errors) to 5 (trace).' },
    blockLease: { type: 'string', description: 'How long a host may give addresses without the API; default 2h.' },
    cooldown: { type: 'string', description: 'Rest of a released address; default 60s.' },
    delegateTimeout: { type: 'string', description: 'Limit of one delegate call; default 60s.' },
    routeTables: {
      type: 'object',
      description: 'Numbers for route tables.',
      additionalProperties: false,
      properties: {
        first: { type: 'integer', minimum: 1, description: 'First table.' },
        last: { type: 'integer', minimum: 1, description: 'Last table.' },
      },
    },
    nics: {
      type: 'object',
      description: 'Links in the pool beside those with a device.',
      additionalProperties: false,
      properties: {
        include: texts('Name patterns (glob) to add.'),
        exclude: texts('Name patterns (glob) to leave out.'),
      },
    },
    neighbourLimits: {
      type: 'string',
      enum: ['Warn', 'Set'],
      description: 'What to do when the neighbour table is too small.',
    },
    cniType: { type: 'string', description: "The predecessor's setting; ignored." },
    ipamType: { type: 'string', description: "The predecessor's setting; ignored." },
    joinPath: { type: 'string', description: "The predecessor's setting; ignored." },
    getInterfacePath: { type: 'string', description: "The predecessor's setting; ignored." },
    addRoutePath: { type: 'string', description: "The predecessor's setting; ignored." },
    deleteRoutePath: { type: 'string', description: "The predecessor's setting; ignored." },
    urgentReconcileSeconds: { type: 'integer', description: "The predecessor's setting; ignored." },
    normalReconcileMinutes: { type: 'integer', description: "The predecessor's setting; ignored." },
    longReconcileMinutes: { type: 'integer', description: "The predecessor's setting; ignored." },
    contextTimeoutMinutes: { type: 'integer', description: "The predecessor's setting; ignored." },
  },
} as const satisfies Schema;

const status = {
  type: 'object',
  description: 'What the operator made of the spec.',
  additionalProperties: false,
  properties: {
    observedGeneration: { type: 'integer', description: 'The metadata.generation that the conditions judge.' },
    conditions: conditionsSchema,
    desired: { type: 'integer', description: 'Nodes that shall run a daemon.' },
    ready: { type: 'integer', description: 'Nodes whose daemon is up to date and ready.' },
    daemonSet: {
      type: 'object',
      description: 'The DaemonSet as it was applied last.',
      additionalProperties: false,
      required: ['uid', 'generation', 'hash'],
      properties: {
        uid: { type: 'string', description: 'Its metadata.uid.' },
        generation: { type: 'integer', description: 'Its metadata.generation then.' },
        hash: { type: 'string', description: 'Of what was applied.' },
      },
    },
  },
} as const satisfies Schema;

export const config = {
  kind: 'Config',
  plural: 'configs',
  singular: 'config',
  shortNames: ['mnconfig'],
  description: 'Settings of the daemons; the one named multinic is obeyed.',
  columns: [
    { name: 'READY', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'REASON', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
    { name: 'NODES', type: 'integer', jsonPath: '.status.desired' },
    { name: 'READY-NODES', type: 'integer', jsonPath: '.status.ready' },
    { name: 'IMAGE', type: 'string', jsonPath: '.spec.daemon.image' },
    { name: 'AGE', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  spec,
  status,
} as const satisfies Kind;

export type ConfigSpec = Of<typeof spec>;
export type ConfigStatus = Of<typeof status>;
export type Config = KubeObject<ConfigSpec, ConfigStatus>;
