import { conditionsSchema, type KubeObject } from '../meta.ts';
import type { Kind, Of, Schema } from '../schema.ts';
import { networkRules, prefixOrAddressRules, routeRules, subnetsRules } from './network-rules.ts';
import { metaPluginRules } from './plugin-rules.ts';

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
    hostBlock: {
      type: 'integer',
      minimum: 0,
      maximum: 31,
      default: 0,
      description:
        'Bits of an address that number the hosts: 6 makes room for 64 hosts. 0: one host on each NIC network. Range 0 to 31, together with interfaceBlock at most what the subnet has behind its prefix. Cannot be changed while pods hold addresses (condition Planned, reason WouldRenumber).',
    },
    interfaceBlock: {
      type: 'integer',
      minimum: 0,
      maximum: 31,
      default: 0,
      description:
        'Bits of an address that number the NIC networks (rails): 2 makes room for 4. Range 0 to 31. Cannot be changed while pods hold addresses.',
    },
    excludeCIDRs: {
      type: 'array',
      description:
        'Prefixes and single addresses inside the subnet that no pod gets, for example 192.168.0.0/28 or 192.168.1.5. At most 256.',
      'x-kubernetes-list-type': 'atomic',
      maxItems: 256,
      items: { type: 'string', maxLength: 64, 'x-kubernetes-validations': prefixOrAddressRules },
    },
    vlanMode: {
      type: 'string',
      enum: ['l2', 'l3', 'l3s'],
      description:
        'How packets travel between hosts. l2: switched, pods of a NIC network share a segment. l3, l3s: routed by the hosts, ipvlan only. Must agree with plugin.args.mode where both are given.',
    },
    routes: {
      type: 'array',
      description: 'Routes that pods get over the network, beside the connected ones. At most 64.',
      'x-kubernetes-list-type': 'atomic',
      maxItems: 64,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['dst'],
        'x-kubernetes-validations': routeRules,
        properties: {
          dst: { type: 'string', maxLength: 64, description: 'Destination prefix, for example 10.20.0.0/16.' },
          gw: {
            type: 'string',
            maxLength: 64,
            description: 'Gateway address, of the family of dst. Without it the destination is on the link.',
          },
        },
      },
    },
    sourceRouting: {
      type: 'boolean',
      default: false,
      description:
        'One routing table for each NIC of the pod, chosen by source address: answers leave by the NIC that was asked.',
    },
  },
} as const satisfies Schema;

const decided = 'Must be left out: multinic decides it for each call.';
const given = 'Must be left out: multinic gives it to the interfaces itself.';

/** The configuration of one chained plugin; what is named here is what multinic has a say in. */
const metaPlugin = {
  type: 'object',
  'x-kubernetes-preserve-unknown-fields': true,
  'x-kubernetes-validations': metaPluginRules,
  properties: {
    type: { type: 'string', maxLength: 255, description: 'Binary of the plugin, for example tuning. Must be given.' },
    capabilities: {
      type: 'object',
      description: 'CNI capabilities of the plugin, for example bandwidth: true.',
      'x-kubernetes-preserve-unknown-fields': true,
      properties: {
        ips: { type: 'boolean', description: given },
        mac: { type: 'boolean', description: given },
        deviceID: { type: 'boolean', description: given },
      },
    },
    name: { type: 'string', description: decided },
    cniVersion: { type: 'string', description: decided },
    prevResult: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, description: decided },
    runtimeConfig: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, description: decided },
  },
} as const satisfies Schema;

// Fields of the predecessor keep open schemas (no enums, no bounds): a stored object must stay updatable. Conditions judge them.
const plugin = {
  type: 'object',
  description: 'The CNI plugin that makes the interfaces.',
  additionalProperties: false,
  required: ['cniVersion', 'type'],
  properties: {
    cniVersion: {
      type: 'string',
      description: 'CNI version of the generated NetworkAttachmentDefinition: 0.3.0, 0.3.1, 0.4.0, 1.0.0 or 1.1.0.',
    },
    type: {
      type: 'string',
      description: 'Plugin that is delegated to: ipvlan, macvlan, host-device, sriov, mellanox, bridge, tap, dummy.',
    },
    args: {
      type: 'object',
      description:
        'Arguments of the plugin, all as text, for example mode: l3 or mtu: "9000" (bytes; 0 or left out: that of the NIC).',
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
        nameservers: {
          type: 'array',
          items: { type: 'string' },
          description: 'Addresses of name servers, in the order in which they are asked.',
        },
        domain: { type: 'string', description: 'Domain that short names are looked up in first.' },
        search: { type: 'array', items: { type: 'string' }, description: 'Domains that short names are looked up in.' },
        options: {
          type: 'array',
          items: { type: 'string' },
          description: 'Options of the resolver, for example ndots:5.',
        },
      },
    },
    metaPlugins: {
      type: 'array',
      description:
        'Chained plugins, run after the delegate for each NIC, in this order. Each is the configuration of one plugin, with its own fields. At most 64.',
      'x-kubernetes-list-type': 'atomic',
      maxItems: 64,
      items: metaPlugin,
    },
  },
} as const satisfies Schema;

const spec = {
  type: 'object',
  description: 'The pool of NICs, the addresses on it and who may attach.',
  additionalProperties: false,
  required: ['plugin'],
  'x-kubernetes-validations': networkRules,
  properties: {
    subnet: {
      type: 'string',
      description:
        'Prefix from which pods of the network get addresses, for example 192.168.0.0/16. It may overlap no network of a host NIC and no network that shares a NIC. Give either subnet or subnets.',
    },
    subnets: {
      type: 'array',
      description:
        'Prefixes from which pods get addresses, at most one for each family: two for dual stack, for example 192.168.0.0/16 and fd00:10::/48. Give either subnet or subnets.',
      'x-kubernetes-list-type': 'atomic',
      maxItems: 2,
      items: { type: 'string', maxLength: 64 },
      'x-kubernetes-validations': subnetsRules,
    },
    ipam: {
      type: 'string',
      description:
        'IPAM configuration as JSON text, for example {"type": "multi-nic-ipam", "hostBlock": 6, "interfaceBlock": 2}. Give either ipam or addressing.',
    },
    addressing,
    multiNICIPAM: {
      type: 'boolean',
      description:
        'Whether one IPAM call serves all NICs. May be left out; must agree with the type of ipam: true for multi-nic-ipam.',
    },
    masterNets: cidrs(
      'Networks of the host NICs that make up the pool, for example 10.0.0.0/24. Left out or empty: every NIC of the host that carries an address, except those that the daemon was told to leave.',
    ),
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
      description:
        'Namespaces that get a NetworkAttachmentDefinition, whose pods may attach. Left out or empty: all, new ones too.',
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
    subnets: {
      type: 'string',
      description: 'The prefixes that the spec asks for, as one text for people: 192.168.0.0/16,fd00:10::/48.',
    },
    hosts: { type: 'integer', description: 'Hosts that have a block of addresses and whose Node exists.' },
    nics: { type: 'integer', description: 'NIC networks (rails) that have a block.' },
    attachments: { type: 'integer', description: 'Attachments of pods, as the hosts last published; up to 10 s old.' },
    computeResults: {
      type: 'array',
      description: 'Hosts for each NIC network.',
      'x-kubernetes-list-type': 'atomic',
      items: {
        type: 'object',
        additionalProperties: false,
        properties: {
          netAddress: { type: 'string', description: 'NIC network of the rail, for example 10.1.1.0/24.' },
          numOfHosts: { type: 'integer', description: 'How many hosts have a block on it.' },
        },
      },
    },
    discovery: {
      type: 'object',
      description: 'Counts in the form of multi-nic-cni.',
      additionalProperties: false,
      properties: {
        existDaemon: { type: 'integer', description: 'Hosts whose daemon has published.' },
        infoAvailable: { type: 'integer', description: 'Hosts with at least one NIC.' },
        cidrProcessed: { type: 'integer', description: 'Hosts that have a block.' },
      },
    },
    configStatus: {
      type: 'string',
      description:
        'How far the network is, in the words of multi-nic-cni: WaitForConfig, Success or Failed. The conditions say more.',
    },
    routeStatus: {
      type: 'string',
      description:
        'How host routes are, in the words of multi-nic-cni: N/A, WaitForRoutes, Unknown, Success or Failed.',
    },
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
    { name: 'SUBNET', type: 'string', jsonPath: '.status.subnets' },
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
