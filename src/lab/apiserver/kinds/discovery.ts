import { errors } from '../api-error.ts';
import type { Fields } from '../object.ts';
import type { Registry } from './registry.ts';
import { groupVersion, type Resource } from './resource.ts';

/** The Kubernetes version whose dialect this server speaks. */
export const serverVersion: Fields = {
  major: '1',
  minor: '31',
  gitVersion: 'v1.31.0+multinic-lab',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: 'node',
  platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
};

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

function apiResources(resource: Resource): Fields[] {
  const { plural: name, singular: singularName, namespaced, kind, shortNames, categories } = resource;
  const main = {
    name,
    singularName,
    namespaced,
    kind,
    verbs,
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
  };
  const status = { name: `${name}/status`, singularName: '', namespaced, kind, verbs: ['get', 'patch', 'update'] };
  return resource.statusSubresource ? [main, status] : [main];
}

function apiGroup(name: string, resources: readonly Resource[]): Fields {
  const versions = [...new Set(resources.map((resource) => resource.version))];
  const entries = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: entries, preferredVersion: entries[0] };
}

function groupsOf(registry: Registry): Map<string, Resource[]> {
  const groups = Map.groupBy(registry.all(), (resource) => resource.group);
  groups.delete('');
  return groups;
}

/** The discovery document of a path: /api, /apis, /apis/G, /api/v1, /apis/G/V; undefined when it is no such path. */
export function discovery(registry: Registry, pathname: string): Fields | undefined {
  const parts = pathname.split('/').filter((part) => part !== '');
  const [root, ...rest] = parts;
  if (root === 'api' && rest.length === 0) {
    return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
  }
  if (root === 'apis' && rest.length === 0) {
    const groups = [...groupsOf(registry)].map(([name, resources]) => apiGroup(name, resources));
    return { kind: 'APIGroupList', apiVersion: 'v1', groups };
  }
  if (root === 'apis' && rest.length === 1) {
    const [name = ''] = rest;
    const resources = groupsOf(registry).get(name);
    if (!resources) throw errors.noSuchPath();
    return { kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(name, resources) };
  }
  const wanted =
    root === 'api' && rest.length === 1 ? rest[0] : root === 'apis' && rest.length === 2 ? rest.join('/') : undefined;
  if (wanted === undefined) return undefined;
  const resources = registry.all().filter((resource) => groupVersion(resource) === wanted);
  if (resources.length === 0) throw errors.noSuchPath();
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: wanted,
    resources: resources.flatMap(apiResources),
  };
}
