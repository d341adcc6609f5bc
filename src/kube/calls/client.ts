import type { KubeObject } from '../../api/meta.ts';
import { ApiError } from './errors.ts';
import { fieldsOf, trusted } from './json.ts';
import { nameOf, pathOf, type ResourceRef } from './resource.ts';
import { type Call, type CallOptions, createTransport, type TransportOptions } from './transport.ts';

export type PatchType = 'merge' | 'json';

export interface ListOptions extends CallOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  /** `0`: any version will do (served from the server's cache); absent: the newest. */
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'NotOlderThan' | 'Exact';
}

export interface ListPage<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** Present when there are more. */
  readonly continue?: string;
}

export interface ApplyOptions extends CallOptions {
  /** In whose name the fields are held (metadata.managedFields). */
  readonly fieldManager: string;
  /** Take fields that another manager holds with another value, instead of a conflict. */
  readonly force?: boolean;
}

export interface DeleteOptions extends CallOptions {
  /** Only the object with that uid. */
  readonly uid?: string;
  /** Only that version of it. */
  readonly resourceVersion?: string;
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
  /** s; 0: at once, whatever the object would be given. */
  readonly gracePeriodSeconds?: number;
}

/** JSON requests to one API server over one connection pool. Every method throws ApiError and nothing else. */
export interface KubeClient {
  get<T extends KubeObject>(ref: ResourceRef, name: string, options?: CallOptions): Promise<T>;
  list<T extends KubeObject>(ref: ResourceRef, options?: ListOptions): Promise<ListPage<T>>;
  create<T extends KubeObject>(ref: ResourceRef, object: T, options?: CallOptions): Promise<T>;
  /** PUT; with metadata.resourceVersion only over that very version (else conflict). */
  replace<T extends KubeObject>(ref: ResourceRef, object: T, options?: CallOptions): Promise<T>;
  /** PUT of the status subresource. */
  replaceStatus<T extends KubeObject>(ref: ResourceRef, object: T, options?: CallOptions): Promise<T>;
  patch<T extends KubeObject>(
    ref: ResourceRef,
    name: string,
    type: PatchType,
    body: unknown,
    options?: CallOptions & { readonly subresource?: 'status' },
  ): Promise<T>;
  /**
   * Server-side apply: the object holds the fields that it names, as they are named here, and none that this manager named before and
   * does not now; others keep theirs. Makes the object when there is none, unless metadata.uid is given; with metadata.uid or
   * resourceVersion only over that very object or version (else conflict).
   */
  apply<T extends KubeObject>(ref: ResourceRef, object: T, options: ApplyOptions): Promise<T>;
  /** An object that is not there is no error: the answer is false then. */
  delete(ref: ResourceRef, name: string, options?: DeleteOptions): Promise<boolean>;
  /** GET of any path, parsed (for example /version). */
  raw(path: string, options?: CallOptions): Promise<unknown>;
  /** Opens an answer that does not end (a watch); the caller reads, or destroys, the body. */
  stream(
    path: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> & { destroy(): void }>;
  /** Ends all connections, open watches included. */
  close(): Promise<void>;
}

/** How a client calls, and what is told of its calls. */
export type ClientOptions = TransportOptions;

const patchTypes: Record<PatchType, string> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
};
export function createClient(options: ClientOptions): KubeClient {
  const { json, open, close } = createTransport(options);
  const object = <T>(
    method: Call['method'],
    ref: ResourceRef,
    name: string,
    rest: Partial<Call> = {},
    subresource?: string,
  ): Promise<T> =>
    json<T>({ method, path: pathOf(ref, name, subresource), what: `${method} ${nameOf(ref, name)}`, ...rest });

  return {
    get: (ref, name, callOptions) => object('GET', ref, name, callOptions),
    list: (ref, listOptions = {}) => listPage(json, ref, listOptions),
    create: (ref, body, callOptions) =>
      json({
        ...callOptions,
        method: 'POST',
        path: pathOf(ref),
        what: `POST ${nameOf(ref, body.metadata.name)}`,
        body,
      }),
    replace: (ref, body, callOptions) => object('PUT', ref, body.metadata.name, { ...callOptions, body }),
    replaceStatus: (ref, body, callOptions) =>
      object('PUT', ref, body.metadata.name, { ...callOptions, body }, 'status'),
    patch: (ref, name, type, body, callOptions = {}) =>
      object('PATCH', ref, name, { ...callOptions, body, contentType: patchTypes[type] }, callOptions.subresource),
    // JSON is YAML; the server takes this type for apply only.
    apply: (ref, body, { fieldManager, force, ...callOptions }) =>
      object('PATCH', ref, body.metadata.name, {
        ...callOptions,
        query: { fieldManager, force: force === true ? 'true' : undefined },
        body,
        contentType: 'application/apply-patch+yaml',
      }),
    delete: async (ref, name, deleteOptions = {}) => {
      const { uid, resourceVersion, propagation, gracePeriodSeconds, ...rest } = deleteOptions;
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        ...((uid !== undefined || resourceVersion !== undefined) && { preconditions: { uid, resourceVersion } }),
        ...(propagation !== undefined && { propagationPolicy: propagation }),
        ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
      };
      try {
        await object('DELETE', ref, name, { ...rest, body });
        return true;
      } catch (error) {
        if (error instanceof ApiError && error.code === 404) return false;
        throw error;
      }
    },
    raw: (path, callOptions) => json({ ...callOptions, method: 'GET', path, what: `GET ${path}` }),
    stream: (path, query, signal) => open({ method: 'GET', path, query, signal, what: `GET ${path}` }),
    close,
  };
}

async function listPage<T>(
  json: <R>(call: Call) => Promise<R>,
  ref: ResourceRef,
  options: ListOptions,
): Promise<ListPage<T>> {
  const { signal, timeoutMs, limit, ...query } = options;
  const what = `GET ${nameOf(ref)}`;
  const body: unknown = await json({
    method: 'GET',
    path: pathOf(ref),
    what,
    query: { ...query, ...(limit !== undefined && { limit: String(limit) }) },
    ...(signal && { signal }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  });
  const { kind, metadata, items } = fieldsOf(body);
  const { resourceVersion, continue: more } = fieldsOf(metadata);
  // A proxy's or another program's answer must not pass for a cluster in which there is nothing. Go writes an empty list as null.
  const isList = typeof kind === 'string' && kind.endsWith('List') && (items === null || Array.isArray(items));
  if (!isList || typeof resourceVersion !== 'string' || resourceVersion === '') {
    throw new ApiError(0, 'Unreachable', `${what}: the answer is no list: ${JSON.stringify(body).slice(0, 200)}`);
  }
  return {
    items: trusted<T[]>(items ?? []),
    resourceVersion,
    ...(typeof more === 'string' && more !== '' && { continue: more }),
  };
}
