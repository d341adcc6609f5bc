import { errors } from '../api-error.ts';
import type { Registry } from '../kinds/registry.ts';
import type { Resource } from '../kinds/resource.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** A request for objects, as kube-apiserver's RequestInfo. */
export interface ObjectRequest {
  readonly verb: Verb;
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: 'status' | undefined;
  readonly query: URLSearchParams;
}

interface Path {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

/** Splits a path below a version; undefined when it is none of a resource. */
export function resourcePath(pathname: string): Path | undefined {
  const parts = pathname
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  const [root, ...below] = parts;
  const prefix = root === 'api' ? ['', ...below] : root === 'apis' ? below : [];
  const [group, version, ...rest] = prefix;
  if (group === undefined || version === undefined || rest.length === 0) return undefined;
  const [first, second, third, ...more] = rest;
  // namespaces/x/status is the status of a namespace, namespaces/x/pods are the pods in it
  const inNamespace = first === 'namespaces' && third !== undefined && third !== 'status' && third !== 'finalize';
  const [plural = '', name, subresource] = inNamespace ? [third, ...more] : rest;
  if (inNamespace ? more.length > 2 : rest.length > 3) return undefined;
  return {
    group,
    version,
    plural,
    ...(inNamespace && second !== undefined ? { namespace: second } : {}),
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  };
}

/** Whether a parameter of the query is switched on. */
export function flag(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  return value === '1' || value === 'true';
}

const writes: Readonly<Record<string, Verb>> = { PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

function verbOf(method: string, named: boolean, query: URLSearchParams): Verb {
  if (method === 'GET' || method === 'HEAD') return flag(query, 'watch') ? 'watch' : named ? 'get' : 'list';
  if (method === 'POST' && !named) return 'create';
  if (method === 'DELETE' && !named) return 'deletecollection';
  const verb = writes[method];
  if (verb === undefined) throw errors.methodNotAllowed();
  if (!named) throw errors.badRequest('name must be provided');
  return verb;
}

/** Reads what is asked of which object. Throws ApiError 404 for unknown resources, 405 for verbs they do not have. */
export function objectRequest(registry: Registry, method: string, url: URL): ObjectRequest {
  const path = resourcePath(url.pathname);
  const resource = path && registry.get(path.group, path.version, path.plural);
  if (!path || !resource) throw errors.noSuchPath();
  const { namespace, name, subresource } = path;
  if (namespace !== undefined && !resource.namespaced) throw errors.noSuchPath();
  if (subresource !== undefined && (subresource !== 'status' || !resource.statusSubresource)) throw errors.noSuchPath();
  const verb = verbOf(method, name !== undefined, url.searchParams);
  if (resource.namespaced && namespace === undefined && verb !== 'list' && verb !== 'watch') {
    if (verb !== 'deletecollection' && verb !== 'create') throw errors.noSuchPath();
    throw errors.methodNotAllowed();
  }
  if (subresource !== undefined && verb !== 'get' && verb !== 'update' && verb !== 'patch')
    throw errors.methodNotAllowed();
  return {
    verb,
    resource,
    namespace,
    name,
    subresource: subresource === undefined ? undefined : 'status',
    query: url.searchParams,
  };
}

/** A resourceVersion from a query; undefined when there is none. Throws ApiError 400. */
export function revisionOf(text: string | null): number | undefined {
  if (text === null || text === '') return undefined;
  if (!/^\d+$/.test(text))
    throw errors.badRequest(`resourceVersion: Invalid value: "${text}": must be a decimal number`);
  return Number(text);
}
