import { group, version } from '../../api/schema.ts';

/** Where a kind is served: `group` is empty for the core API; `namespace` narrows to one (never for cluster-scoped kinds). */
export interface ResourceRef {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespace?: string;
}

/** The same resource, in one namespace. */
export function inNamespace(ref: ResourceRef, namespace: string): ResourceRef {
  return { ...ref, namespace };
}

/** URL path of the collection, of one object in it, or of a subresource of that. */
export function pathOf(ref: ResourceRef, name?: string, subresource?: string): string {
  const root = ref.group === '' ? ['api', ref.version] : ['apis', ref.group, ref.version];
  const scope = ref.namespace === undefined ? [] : ['namespaces', ref.namespace];
  const object = name === undefined ? [] : [name, ...(subresource === undefined ? [] : [subresource])];
  return `/${[...root, ...scope, ref.plural, ...object].map(encodeURIComponent).join('/')}`;
}

/** What errors and logs call it, for example `cidrs.multinic.fms.io/net-a`. */
export function nameOf(ref: ResourceRef, name?: string): string {
  const kind = ref.group === '' ? ref.plural : `${ref.plural}.${ref.group}`;
  return [kind, ref.namespace, name].filter((part) => part !== undefined).join('/');
}

const own = (plural: string): ResourceRef => ({ group, version, plural });

/** The resources that multinic uses. */
export const resources = {
  multiNicNetworks: own('multinicnetworks'),
  hostInterfaces: own('hostinterfaces'),
  cidrs: own('cidrs'),
  cidrSlices: own('cidrslices'),
  ipPools: own('ippools'),
  deviceClasses: own('deviceclasses'),
  configs: own('configs'),
  nodes: { group: '', version: 'v1', plural: 'nodes' },
  namespaces: { group: '', version: 'v1', plural: 'namespaces' },
  daemonSets: { group: 'apps', version: 'v1', plural: 'daemonsets' },
  pods: { group: '', version: 'v1', plural: 'pods' },
  events: { group: '', version: 'v1', plural: 'events' },
  leases: { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' },
  sriovNetworkNodePolicies: { group: 'sriovnetwork.openshift.io', version: 'v1', plural: 'sriovnetworknodepolicies' },
  sriovNetworks: { group: 'sriovnetwork.openshift.io', version: 'v1', plural: 'sriovnetworks' },
  nicClusterPolicies: { group: 'mellanox.com', version: 'v1alpha1', plural: 'nicclusterpolicies' },
  networkAttachmentDefinitions: { group: 'k8s.cni.cncf.io', version: 'v1', plural: 'network-attachment-definitions' },
} as const satisfies Record<string, ResourceRef>;
