import { conditionsSchema, type KubeObject } from '../meta.ts';
import type { Kind, Of, Schema } from '../schema.ts';
import { directoryRules, durationRules, tableRules } from './config-rules.ts';

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
const duration = (description: string) =>
  ({ type: 'string', maxLength: 32, description, 'x-kubernetes-validations': durationRules }) as const;

const daemon = {
  type: 'object',
  description: 'How the daemons run: what their DaemonSet says.',
  additionalProperties: false,
  properties: {
    image: { type: 'string', description: "Image of the daemon; default: the operator's own." },
    port: { type: 'integer', description: "Port of health and metrics, on the node's own address; default 11000." },
    imagePullPolicy: {
      type: 'string',
      description: 'When the image is pulled, as in a container: Always, IfNotPresent or Never.',
    },
    imagePullSecretName: {
      type: 'string',
      description: 'Name of the Secret in the namespace of multinic with the login of the registry.',
    },
    env: opens('Variables of the container, as in a pod.'),
    envFrom: opens('ConfigMaps and Secrets whose entries are variables of the container, as in a pod.'),
    mounts: opens('Host mounts of multi-nic-cni; ignored.'),
    nodeSelector: {
      type: 'object',
      description: 'Labels of the Nodes that run a daemon, beside kubernetes.io/os: linux.',
      additionalProperties: { type: 'string' },
    },
    tolerations: opens('Taints that the daemon tolerates, as in a pod; default: all.'),
    resources: open('CPU and memory of the container, as in a pod; default: requests of 100m and 100Mi, no limits.'),
    securityContext: open('The security context of multi-nic-cni; ignored.'),
  },
} as const satisfies Schema;

const spec = {
  type: 'object',
  description: 'Settings of all daemons.',
  additionalProperties: false,
  properties: {
    daemon,
    cniBinDir: {
      type: 'string',
      maxLength: 4095,
      'x-kubernetes-validations': directoryRules,
      description: 'Directory of the host in which the runtime and Multus find CNI plugins; default /opt/cni/bin.',
    },
    logLevel: {
      type: 'integer',
      description: 'How much the daemons log: 1 errors, 2 warnings, 3 what is done, 4 debug, 5 trace; default 3.',
    },
    blockLease: {
      type: 'string',
      description: 'How long a host may give addresses without the API server; default 2h. Stored, not acted on yet.',
    },
    cooldown: duration('How long a released address rests while others are free; default 60s.'),
    delegateTimeout: duration('How long one call of a plugin may take; default 60s.'),
    routeTables: {
      type: 'object',
      description: 'Numbers from which each routed network gets its route table on a host.',
      additionalProperties: false,
      'x-kubernetes-validations': tableRules,
      properties: {
        first: { type: 'integer', minimum: 1, description: 'First number; default 20000.' },
        last: { type: 'integer', minimum: 1, description: 'Last number; default 20999.' },
      },
    },
    nics: {
      type: 'object',
      description: 'Which links of a host are in the pool, beside those with a device.',
      additionalProperties: false,
      properties: {
        include: texts('Patterns of names (eth[1-9]*) of links to add.'),
        exclude: texts('Patterns of names of links that are never in the pool.'),
      },
    },
    neighbourLimits: {
      type: 'string',
      enum: ['Warn', 'Set'],
      description: 'What to do when the neighbour table of a host is too small for the plan. Stored, not acted on yet.',
    },
    cniType: { type: 'string', description: 'A setting of multi-nic-cni; ignored.' },
    ipamType: { type: 'string', description: 'A setting of multi-nic-cni; ignored.' },
    joinPath: { type: 'string', description: 'A setting of multi-nic-cni; ignored.' },
    getInterfacePath: { type: 'string', description: 'A setting of multi-nic-cni; ignored.' },
    addRoutePath: { type: 'string', description: 'A setting of multi-nic-cni; ignored.' },
    deleteRoutePath: { type: 'string', description: 'A setting of multi-nic-cni; ignored.' },
    urgentReconcileSeconds: { type: 'integer', description: 'A setting of multi-nic-cni; ignored.' },
    normalReconcileMinutes: { type: 'integer', description: 'A setting of multi-nic-cni; ignored.' },
    longReconcileMinutes: { type: 'integer', description: 'A setting of multi-nic-cni; ignored.' },
    contextTimeoutMinutes: { type: 'integer', description: 'A setting of multi-nic-cni; ignored.' },
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
        uid: { type: 'string', description: 'uid of the DaemonSet.' },
        generation: {
          type: 'integer',
          description: 'Its metadata.generation when it was applied: any other means that somebody edited it.',
        },
        hash: {
          type: 'string',
          description: 'Hash of what was applied: any other means that the Config asks for something else now.',
        },
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
