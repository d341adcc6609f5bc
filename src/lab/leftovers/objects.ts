import type { HostInterface } from '../../api/kinds/hostinterface.ts';
import type { KubeObject } from '../../api/meta.ts';
import { trusted } from '../../kube/calls/json.ts';
import type { LabApi } from '../cluster/api.ts';
import type { Item } from './item.ts';

interface GroupList {
  readonly groups: readonly { preferredVersion: { groupVersion: string } }[];
}

interface ObjectList {
  readonly items: readonly KubeObject[];
}

interface ResourceList {
  readonly resources: readonly { name: string; kind: string; namespaced: boolean; verbs: readonly string[] }[];
}

/** Events, leases and the like are written by programs as they run; nobody's leftover. */
const passing = new Set(['Event', 'Lease']);

/** Every object that the API server serves, by kind and name; of HostInterfaces also the networks in them. */
export async function listObjects(api: LabApi): Promise<Item[]> {
  const groups = trusted<GroupList>(await api.client.raw('/apis'));
  const roots = ['/api/v1', ...groups.groups.map((group) => `/apis/${group.preferredVersion.groupVersion}`)];
  const lists = await Promise.all(roots.map((root) => listRoot(api, root)));
  return lists.flat().map((text) => ({ kind: 'object', place: 'cluster', text }));
}

async function listRoot(api: LabApi, root: string): Promise<string[]> {
  const { resources } = trusted<ResourceList>(await api.client.raw(root));
  const listable = resources.filter(
    ({ name, kind, verbs }) => verbs.includes('list') && !name.includes('/') && !passing.has(kind),
  );
  const lists = await Promise.all(
    listable.map(async ({ name, kind }) => {
      const list = trusted<ObjectList>(await api.client.raw(`${root}/${name}`));
      return list.items.flatMap((object) => describe(kind, object));
    }),
  );
  return lists.flat();
}

function describe(kind: string, object: KubeObject): string[] {
  const { namespace, name } = object.metadata;
  const own = `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
  if (kind !== 'HostInterface') return [own];
  const { spec, status } = trusted<HostInterface>(object);
  return [
    own,
    ...(spec?.networks ?? []).map((claim) => `${own}: claim of ${claim.name}`),
    ...(status?.networks ?? []).map((entry) => `${own}: blocks of ${entry.name}`),
  ];
}
