import type { IncomingMessage } from 'node:http';
import { errors } from '../api-error.ts';
import { groupVersion, resourceId } from '../kinds/resource.ts';
import { type Fields, fieldAt, fieldsOf, isFields, type KubeRecord, keyOf, listOf } from '../object.ts';
import { patcher } from '../patch/patch.ts';
import { contentType, readBody } from '../request/body.ts';
import type { ObjectRequest } from '../request/request.ts';
import { selection } from '../request/selectors.ts';
import type { Cluster } from '../storage/cluster.ts';
import { applyObject } from './apply.ts';
import { changeObject } from './change.ts';
import type { WriteOptions, Written } from './check.ts';
import { createObject } from './create.ts';
import { type DeleteOptions, deleteObject } from './delete.ts';
import { type Form, shaped } from './form.ts';
import { type Continuations, listObjects } from './list.ts';

/** Content type of server-side apply. */
const applyPatch = 'application/apply-patch+yaml';

export interface Answer {
  readonly code: number;
  readonly body: Fields;
  readonly warnings?: readonly string[];
}

function writeOptions(query: URLSearchParams): WriteOptions {
  const dryRun = query.get('dryRun') === 'All';
  const validation = query.get('fieldValidation') ?? 'Warn';
  if (validation === 'Strict' || validation === 'Warn' || validation === 'Ignore') return { validation, dryRun };
  throw errors.badRequest(
    `fieldValidation: Unsupported value: "${validation}": supported values: "Ignore", "Strict", "Warn"`,
  );
}

function getObject(cluster: Cluster, { resource, namespace, name = '' }: ObjectRequest): KubeRecord {
  const object = cluster.store.get(resourceId(resource), keyOf(namespace, name));
  if (!object) throw errors.notFound(resource, name);
  return object;
}

function change(cluster: Cluster, request: ObjectRequest, body: unknown, type: string): Written {
  const { resource, namespace, name = '', subresource, verb, query } = request;
  const patch = verb === 'update' ? () => body : patcher(resource, type);
  const next = (old: KubeRecord): unknown => patch(old, body);
  return changeObject(cluster, resource, { namespace, name, subresource, next }, writeOptions(query));
}

function deleteOptions(body: unknown, query: URLSearchParams): DeleteOptions {
  const given = fieldsOf(body);
  const policy = given.propagationPolicy ?? query.get('propagationPolicy');
  const orphan = given.orphanDependents === true ? 'Orphan' : undefined;
  const preconditions = given.preconditions;
  return {
    ...(policy === 'Foreground' || policy === 'Orphan' ? { propagationPolicy: policy } : {}),
    ...(orphan ? { propagationPolicy: orphan } : {}),
    ...(isFields(preconditions) ? { preconditions } : {}),
    dryRun: query.get('dryRun') === 'All' || listOf(given.dryRun).includes('All'),
  };
}

function deleteOne(cluster: Cluster, request: ObjectRequest, body: unknown): Fields {
  const { resource, namespace, name = '', query } = request;
  const { object, gone } = deleteObject(cluster, resource, namespace, name, deleteOptions(body, query));
  if (!gone) return { ...object };
  const group = resource.group === '' ? {} : { group: resource.group };
  const details = { name, ...group, kind: resource.plural, uid: object.metadata.uid };
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}

function deleteAll(cluster: Cluster, request: ObjectRequest, body: unknown): Fields {
  const { resource, query } = request;
  const options = deleteOptions(body, query);
  const objects = cluster.store.list(resourceId(resource)).filter(selection(request));
  const items = objects.map(
    ({ metadata: { namespace, name } }) => deleteObject(cluster, resource, namespace, name, options).object,
  );
  const metadata = { resourceVersion: String(cluster.store.revision) };
  return { kind: resource.listKind, apiVersion: groupVersion(resource), metadata, items };
}

/** Answers every request for objects except watches. Throws ApiError. */
export async function answerObjects(
  cluster: Cluster,
  continuations: Continuations,
  request: ObjectRequest,
  message: IncomingMessage,
  form: Form,
): Promise<Answer> {
  const { verb, resource, namespace, query } = request;
  if (verb === 'list') return { code: 200, body: listObjects(cluster, continuations, request, form) };
  if (verb === 'get') return { code: 200, body: shaped(resource, getObject(cluster, request), form, cluster.now()) };
  const body = await readBody(message);
  if (verb === 'delete') return { code: 200, body: deleteOne(cluster, request, body) };
  if (verb === 'deletecollection') return { code: 200, body: deleteAll(cluster, request, body) };
  const type = contentType(message);
  if (verb === 'patch' && type === applyPatch && request.subresource === undefined) {
    const apply = { namespace, name: request.name ?? '', fieldManager: query.get('fieldManager'), body };
    const { object, warnings, created } = applyObject(cluster, resource, apply, writeOptions(query));
    return { code: created ? 201 : 200, body: shaped(resource, object, form, cluster.now()), warnings };
  }
  const written =
    verb === 'create'
      ? createObject(cluster, resource, namespace, body, writeOptions(query))
      : change(cluster, request, body, type);
  const answer = shaped(resource, written.object, form, cluster.now());
  return { code: verb === 'create' ? 201 : 200, body: answer, warnings: written.warnings };
}

/** SelfSubjectAccessReview: everybody may do everything here (`kubectl auth can-i`). */
export async function reviewAccess(message: IncomingMessage): Promise<Answer> {
  const body = await readBody(message);
  const spec = fieldAt(body, ['spec']) ?? {};
  return {
    code: 201,
    body: {
      kind: 'SelfSubjectAccessReview',
      apiVersion: 'authorization.k8s.io/v1',
      metadata: {},
      spec,
      status: { allowed: true },
    },
  };
}
