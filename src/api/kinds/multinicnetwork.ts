import { conditionsSchema, type KubeObject } from '../meta.ts';
import type { Kind, Of, Schema } from '../schema.ts';

const cidrs = (description: string) =>
  ({
    type: 'array',
    description,
    'x-kubernetes-list-type': 'atomic',
    items: { type: 'string' },
  }) as const;

/** The typed alternative to `ipam` JSON of type multi-nic-ipam. */
const addressing = {
  type: 'object',
  description: 'How addresses are divided among NICs and hosts; the typed form of `ipam` with type multi-nic-ipam.',
  additionalProperties: false,
  properties: {
    hostBlock: { type: 'integer', minimum: 0, maximum: 31, description: 'Bits that number the hosts.' },
    interfaceBlock: { type: 'integer', minimum: 0, maximum: 31, description: 'Bits that number the NIC networks.' },
    excludeCIDRs: cidrs('Prefixes and addresses that no pod gets.'),
    vlanMode: {
      type: 'string',
      enum: ['l2', 'l3', 'l3s'],
      description: 'l2: pods share a segment; l3, l3s: hosts route.',
    },
    routes: {
      type: 'array',
      description: 'Routes that pods get.',
      'x-kubernetes-list-type': 'atomic',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['dst'],
        properties: {
          dst: { type: 'string', description: 'Destination prefix.' },
          gw: { type: 'string', description: 'Gateway address.' },
        },
      },
    },
    sourceRouting: { type: 'boolean', description: 'One routing table per NIC, chosen by source address.' },
  },
} as const satisfies Schema;

// Fields of the predecessor keep open schemas (no enums, no bounds): a stored object must stay updatable. Conditions judge them.
const plugin = {
  type: 'object',
  description: 'The CNI plugin that makes the interfaces.',
  additionalProperties: false,
  required: ['cniVersion', 'type'],
  properties: {
    cniVersion: { type: 'string', description: 'CNI version of the generated NetworkAttachmentDefinition.' },
    type: { type: 'string', description: 'Plugin that is delegated to: ipvlan, macvlan.' },
    args: {
      type: 'object',
      description: 'Arguments of the plugin, for example mode and mtu.',
      additionalProperties: { type: 'string' },
    },
    capabilities: {
      type: 'object',
      description: 'CNI capabilities to declare.',
      additionalProperties: { type: 'boolean' },
    },
    dns: {
      type: 'object',
      description: 'DNS settings to hand to the runtime.',
      additionalProperties: false,
      properties: {
        nameservers: { type: 'array', items: { type: 'string' }, description: 'Addresses of name servers.' },
        domain: { type: 'string', description: 'Local domain.' },
        search: { type: 'array', items: { type: 'string' }, description: 'Search domains.' },
        options: { type: 'array', items: { type: 'string' }, description: 'Resolver options.' },
      },
    },
    metaPlugins: {
      type: 'array',
      description: 'Chained plugins, run after the delegate for each NIC.',
      'x-kubernetes-list-type': 'atomic',
      items: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    },
  },
} as const satisfies Schema;

const spec = {
  type: 'object',
  description: 'The pool of NICs, the addresses on it and who may attach.',
  additionalProperties: false,
  required: ['plugin'],
  properties: {
    subnet: { type: 'string', description: 'Prefix from which all pods of the network get addresses.' },
    subnets: {
      type: 'array',
      description: 'One prefix per address family, for dual stack; excludes subnet.',
      'x-kubernetes-list-type': 'atomic',
      maxItems: 2,
      items: { type: 'string' },
    },
    ipam: { type: 'string', description: 'IPAM configuration as JSON text; its type selects the mode.' },
    addressing,
    multiNICIPAM: { type: 'boolean', description: 'One IPAM call serves all NICs; must agree with the type of ipam.' },
    masterNets: cidrs('Networks of the host NICs that make up the pool; empty: all.'),
    plugin,
    attachPolicy: {
      type: 'object',
      description: 'Which NICs a pod gets.',
      additionalProperties: false,
      required: ['strategy'],
      properties: {
        strategy: { type: 'string', description: 'none, costOpt, perfOpt, devClass or topology.' },
        target: { type: 'string', description: 'Bandwidth that costOpt and perfOpt aim at, for example 10Gbps.' },
      },
    },
    namespaces: {
      type: 'array',
      description: 'Namespaces whose pods may attach; empty: all.',
      'x-kubernetes-list-type': 'atomic',
      items: { type: 'string' },
    },
  },
} as const satisfies Schema;

const status = {
  type: 'object',
  description: 'What the operator made of the spec.',
  additionalProperties: false,
  properties: {
    observedGeneration: { type: 'integer', description: 'The metadata.generation that the conditions judge.' },
    conditions: conditionsSchema,
    hosts: { type: 'integer', description: 'Hosts that have a block.' },
    nics: { type: 'integer', description: 'NIC networks (rails) that have a block.' },
    attachments: { type: 'integer', description: 'Pods attached, as the hosts last published.' },
    computeResults: {
      type: 'array',
      description: 'Hosts for each NIC network.',
      'x-kubernetes-list-type': 'atomic',
      items: {
        type: 'object',
        additionalProperties: false,
        properties: {
          netAddress: { type: 'string', description: 'NIC network.' },
          numOfHosts: { type: 'integer', description: 'Hosts with a NIC on it.' },
        },
      },
    },
    discovery: {
      type: 'object',
      description: "Counts in the predecessor's form.",
      additionalProperties: false,
      properties: {
        existDaemon: { type: 'integer', description: 'Hosts whose daemon has published.' },
        infoAvailable: { type: 'integer', description: 'Hosts with at least one NIC.' },
        cidrProcessed: { type: 'integer', description: 'Hosts that have a block.' },
      },
    },
    configStatus: { type: 'string', description: 'WaitForConfig, Success or Failed.' },
    routeStatus: { type: 'string', description: 'N/A, WaitForRoutes, Unknown, Success or Failed.' },
    message: { type: 'string', description: 'The message of the first condition that does not hold.' },
    lastSyncTime: { type: 'string', format: 'date-time', description: 'When the status last changed.' },
  },
} as const satisfies Schema;

export const multiNicNetwork = {
  kind: 'MultiNicNetwork',
  plural: 'multinicnetworks',
  singular: 'multinicnetwork',
  shortNames: ['mnn'],
  description: 'One secondary network over many host NICs.',
  columns: [
    { name: 'READY', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'REASON', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
    { name: 'SUBNET', type: 'string', jsonPath: '.spec.subnet' },
    { name: 'HOSTS', type: 'integer', jsonPath: '.status.hosts' },
    { name: 'NICS', type: 'integer', jsonPath: '.status.nics' },
    { name: 'ATTACHMENTS', type: 'integer', jsonPath: '.status.attachments' },
    { name: 'AGE', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  spec,
  status,
} as const satisfies Kind;

export type MultiNicNetworkSpec = Of<typeof spec>;
export type MultiNicNetworkStatus = Of<typeof status>;
export type MultiNicNetwork = KubeObject<MultiNicNetworkSpec, MultiNicNetworkStatus>;
