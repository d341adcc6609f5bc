import { type Fields, fieldAt, fieldsOf, isFields, type KubeRecord, listOf, textOf } from '../object.ts';
import { ageOf } from './age.ts';
import type { TableColumn } from './resource.ts';

type Cell = TableColumn['cell'];

function column(name: string, cell: Cell, priority = 0): TableColumn {
  return { name, type: 'string', priority, cell };
}

const text =
  (...path: string[]): Cell =>
  (object) =>
    textOf(fieldAt(object, path));

function listAt(object: unknown, ...path: string[]): Fields[] {
  return listOf(fieldAt(object, path)).filter(isFields);
}

/** The first column of every table. */
export const nameColumn: TableColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name must be unique within a namespace.',
  priority: 0,
  cell: (object) => object.metadata.name,
};

export const ageColumn = column('Age', (object, now) => ageOf(object.metadata.creationTimestamp, now));

function nodeStatus(object: KubeRecord): string {
  const ready = listAt(object, 'status', 'conditions').find((condition) => condition.type === 'Ready');
  const state = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return fieldAt(object, ['spec', 'unschedulable']) === true ? `${state},SchedulingDisabled` : state;
}

function nodeRoles(object: KubeRecord): string {
  const prefix = 'node-role.kubernetes.io/';
  const roles = Object.keys(object.metadata.labels ?? {}).filter((label) => label.startsWith(prefix));
  return roles.map((label) => label.slice(prefix.length)).join(',') || '<none>';
}

function podReady(object: KubeRecord): string {
  const statuses = listAt(object, 'status', 'containerStatuses');
  return `${statuses.filter((status) => status.ready === true).length}/${listAt(object, 'spec', 'containers').length}`;
}

function podPhase(object: KubeRecord): string {
  return object.metadata.deletionTimestamp === undefined ? textOf(fieldAt(object, ['status', 'phase'])) : 'Terminating';
}

function count(field: string): Cell {
  return (object) => {
    const value = object[field];
    return String(Array.isArray(value) ? value.length : Object.keys(fieldsOf(value)).length);
  };
}

function lastSeen(object: KubeRecord, now: number): string {
  return ageOf(object.lastTimestamp ?? object.eventTime ?? object.metadata.creationTimestamp, now);
}

function involved(object: KubeRecord): string {
  const kind = textOf(fieldAt(object, ['involvedObject', 'kind'])).toLowerCase();
  return `${kind}/${textOf(fieldAt(object, ['involvedObject', 'name']))}`;
}

/** Columns of the built-in kinds (after NAME), as kube-apiserver prints them; kinds not named here show their age. */
export const builtInColumns: Readonly<Record<string, readonly TableColumn[]>> = {
  Namespace: [column('Status', text('status', 'phase')), ageColumn],
  Node: [
    column('Status', nodeStatus),
    column('Roles', nodeRoles),
    ageColumn,
    column('Version', text('status', 'nodeInfo', 'kubeletVersion')),
  ],
  Pod: [
    column('Ready', podReady),
    column('Status', podPhase),
    column('Restarts', () => '0'),
    ageColumn,
    column('IP', (object) => fieldAt(object, ['status', 'podIP']) ?? '<none>', 1),
    column('Node', (object) => fieldAt(object, ['spec', 'nodeName']) ?? '<none>', 1),
  ],
  ConfigMap: [column('Data', count('data')), ageColumn],
  Secret: [column('Type', text('type')), column('Data', count('data')), ageColumn],
  ServiceAccount: [column('Secrets', count('secrets')), ageColumn],
  Lease: [column('Holder', text('spec', 'holderIdentity')), ageColumn],
  CustomResourceDefinition: [column('Created At', (object) => object.metadata.creationTimestamp)],
};

/** Columns of events have no NAME in front. */
export const eventColumns: readonly TableColumn[] = [
  column('Last Seen', lastSeen),
  column('Type', text('type')),
  column('Reason', text('reason')),
  column('Object', involved),
  column('Message', text('message')),
  { ...nameColumn, priority: 1 },
];
