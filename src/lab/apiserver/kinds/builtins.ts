import { type Fields, isFields, type KubeRecord } from '../object.ts';
import { ageColumn, builtInColumns, eventColumns, nameColumn } from './builtin-columns.ts';
import type { Resource } from './resource.ts';

interface BuiltIn {
  readonly group?: string;
  readonly version?: string;
  readonly kind: string;
  readonly plural?: string;
  readonly shortNames?: readonly string[];
  readonly namespaced?: boolean;
  readonly status?: boolean;
  readonly counted?: boolean;
  readonly selectableFields?: readonly string[];
  readonly onCreate?: (object: KubeRecord) => KubeRecord;
}

/** The object with some fields of its status set. */
export function statusWith(object: KubeRecord, change: Fields): KubeRecord {
  return { ...object, status: { ...(isFields(object.status) ? object.status : {}), ...change } };
}

function newNamespace(object: KubeRecord): KubeRecord {
  const labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name };
  const named = { ...object, metadata: { ...object.metadata, labels } };
  return { ...named, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } };
}

const eventFields = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];

const core: readonly BuiltIn[] = [
  {
    kind: 'Namespace',
    shortNames: ['ns'],
    namespaced: false,
    status: true,
    selectableFields: ['status.phase'],
    onCreate: newNamespace,
  },
  { kind: 'Node', shortNames: ['no'], namespaced: false, status: true, selectableFields: ['spec.unschedulable'] },
  {
    kind: 'Pod',
    shortNames: ['po'],
    status: true,
    selectableFields: ['spec.nodeName', 'spec.serviceAccountName', 'status.phase', 'status.podIP'],
    onCreate: (object) => ({ ...object, status: { phase: 'Pending' } }),
  },
  {
    kind: 'Event',
    shortNames: ['ev'],
    selectableFields: ['type', 'reason', ...eventFields.map((field) => `involvedObject.${field}`)],
  },
  { kind: 'ConfigMap', shortNames: ['cm'] },
  { kind: 'Secret', selectableFields: ['type'], onCreate: (object) => ({ type: 'Opaque', ...object }) },
  { kind: 'ServiceAccount', shortNames: ['sa'] },
  { kind: 'Service', shortNames: ['svc'], status: true },
];

const grouped: readonly BuiltIn[] = [
  { group: 'apps', kind: 'DaemonSet', shortNames: ['ds'], status: true, counted: true },
  { group: 'apps', kind: 'Deployment', shortNames: ['deploy'], status: true, counted: true },
  { group: 'coordination.k8s.io', kind: 'Lease' },
  { group: 'rbac.authorization.k8s.io', kind: 'ClusterRole', namespaced: false },
  { group: 'rbac.authorization.k8s.io', kind: 'ClusterRoleBinding', namespaced: false },
  { group: 'rbac.authorization.k8s.io', kind: 'Role' },
  { group: 'rbac.authorization.k8s.io', kind: 'RoleBinding' },
];

function resourceOf(builtIn: BuiltIn): Resource {
  const singular = builtIn.kind.toLowerCase();
  const own = builtInColumns[builtIn.kind] ?? [ageColumn];
  return {
    group: builtIn.group ?? '',
    version: builtIn.version ?? 'v1',
    kind: builtIn.kind,
    listKind: `${builtIn.kind}List`,
    plural: builtIn.plural ?? `${singular}s`,
    singular,
    shortNames: builtIn.shortNames ?? [],
    categories: builtIn.kind === 'Pod' || builtIn.kind === 'Service' ? ['all'] : [],
    namespaced: builtIn.namespaced ?? true,
    statusSubresource: builtIn.status ?? false,
    statusTakesMetadata: true,
    counted: builtIn.counted ?? false,
    builtIn: true,
    selectableFields: builtIn.selectableFields ?? [],
    columns: builtIn.kind === 'Event' ? eventColumns : [nameColumn, ...own],
    ...(builtIn.onCreate ? { onCreate: builtIn.onCreate } : {}),
  };
}

/** The built-in kinds. They have no schema here: their fields are stored as given. */
export function builtInResources(): Resource[] {
  return [...core, ...grouped].map(resourceOf);
}
