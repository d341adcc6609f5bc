import { Agent, type Dispatcher, request } from 'undici';
import type { KubeObject } from '../api/meta.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Cluster } from './config.ts';
import { ApiError, errorOfStatus } from './errors.ts';
import { fieldsOf, messageOf, trusted } from './json.ts';
import { nameOf, pathOf, type ResourceRef } from './resource.ts';
import { guardWrites } from './wire-guard.ts';

export type PatchType = 'merge' | 'json';

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** ms for the whole call; the client's limit when absent. */
  readonly timeoutMs?: number;
}

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

/** One request and what came of it, for counting. */
export interface CallOutcome {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly watch: boolean;
  /** HTTP status; 0: no answer. */
  readonly code: number;
  /** Until the head of the answer. */
  readonly ms: number;
}

export interface ClientOptions {
  readonly cluster: Cluster;
  /** For example multinic-daemon/0.1.0. */
  readonly userAgent: string;
  /** ms for one call (default 30,000). */
  readonly timeoutMs?: number;
  /** Measures the time limits. */
  readonly clock?: Clock;
  /** Called whenever the server has answered us, a 401 not counted. */
  readonly onHeard?: () => void;
  /** Called when a request was answered or given up; not for what was called off, or not sent at all. */
  readonly onCall?: (outcome: CallOutcome) => void;
  /** Asked before the first byte of all but reads; false: nothing is sent (ApiError, code 0, reason NotLeading). */
  readonly mayWrite?: () => boolean;
}

interface Call extends CallOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** What errors call it. */
  readonly what: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
}

const patchTypes: Record<PatchType, string> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
};
const connectTimeoutMs = 10_000;
/** Bodies of API servers end at 3 MB an object; a page of 500 may be that much more. */
const maxErrorBody = 65_536;

export function createClient(options: ClientOptions): KubeClient {
  const { cluster, userAgent, onHeard, onCall } = options;
  const limit = options.timeoutMs ?? 30_000;
  const clock = options.clock ?? systemClock();
  // HTTP/1.1: over one HTTP/2 connection the watches' flow control and one stalled connection would hold up every call.
  // No limit of connections: watches hold one each, and the number of calls is bounded by the callers' workers.
  const agent = new Agent({
    allowH2: false,
    keepAliveTimeout: 30_000,
    connect: { timeout: connectTimeoutMs, keepAlive: true, ...cluster.tls },
    bodyTimeout: 0,
    headersTimeout: 0,
  });
  const dispatcher = options.mayWrite === undefined ? agent : agent.compose(guardWrites(options.mayWrite));

  async function send(call: Call, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const attempt = async (renew: boolean): Promise<Dispatcher.ResponseData> => {
      const authorization = await cluster.authorization(renew);
      return request(`${cluster.server}${call.path}${queryText(call.query)}`, {
        dispatcher,
        method: call.method,
        signal,
        headers: {
          accept: 'application/json',
          'user-agent': userAgent,
          ...(authorization !== undefined && { authorization }),
          ...(call.body !== undefined && { 'content-type': call.contentType ?? 'application/json' }),
        },
        ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
      });
    };
    const started = performance.now();
    const count = (code: number): void => {
      const { method, path, query } = call;
      onCall?.({ method, path, watch: query?.['watch'] === 'true', code, ms: performance.now() - started });
    };
    try {
      let answer = await attempt(false);
      if (answer.statusCode === 401) {
        await answer.body.dump();
        answer = await attempt(true);
      }
      count(answer.statusCode);
      if (answer.statusCode !== 401) onHeard?.();
      if (answer.statusCode < 400) return answer;
      throw await refusal(answer, call.what);
    } catch (error) {
      if (error instanceof ApiError) throw error;
      if (call.signal?.aborted !== true) count(0);
      throw unreachable(error, call.what, cluster.server);
    }
  }

  async function json<T>(call: Call): Promise<T> {
    return within(call.timeoutMs ?? limit, call.signal, async (signal) => {
      const answer = await send(call, signal);
      try {
        return trusted<T>(await answer.body.json());
      } catch (error) {
        throw unreachable(error, call.what, cluster.server);
      }
    });
  }

  /** Runs `work` with a signal that is aborted after `ms`, or with the other one. */
  async function within<T>(
    ms: number,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const late = new AbortController();
    const cancel = clock.after(ms, () => late.abort(new Error(`no answer within ${ms} ms`)));
    try {
      return await work(signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]));
    } finally {
      cancel();
    }
  }

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
    // The time limit holds for the headers only: the body is open-ended.
    stream: async (path, query, signal) => {
      const call: Call = { method: 'GET', path, query, signal, what: `GET ${path}` };
      return (await within(limit, signal, (until) => send(call, until))).body;
    },
    close: () => agent.destroy(),
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

function queryText(query: Call['query']): string {
  const given = Object.entries(query ?? {}).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}

async function refusal(answer: Dispatcher.ResponseData, what: string): Promise<ApiError> {
  const text = (await answer.body.text()).slice(0, maxErrorBody);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // A proxy's page, or plain text: say its beginning.
    body = { message: text.trim() === '' ? undefined : text.trim().slice(0, 300) };
  }
  const after = Number(answer.headers['retry-after']);
  return errorOfStatus(answer.statusCode, body, what, Number.isFinite(after) && after >= 0 ? after : undefined);
}

function unreachable(error: unknown, what: string, server: string): ApiError {
  return new ApiError(0, 'Unreachable', `${what}: no answer from ${server}: ${messageOf(error)}`, undefined, error);
}
