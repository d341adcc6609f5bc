import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError, errors } from './api-error.ts';
import type { AuditRecord, AuditSink } from './audit.ts';
import { startCluster } from './controllers/start-cluster.ts';
import { discovery, serverVersion } from './kinds/discovery.ts';
import { openapiDocument, openapiIndex, openapiV2Type } from './kinds/openapi.ts';
import { resourceId } from './kinds/resource.ts';
import { fieldAt } from './object.ts';
import { type ObjectRequest, objectRequest } from './request/request.ts';
import type { Cluster } from './storage/cluster.ts';
import { type Answer, answerObjects, reviewAccess } from './verbs/answer.ts';
import { formOf } from './verbs/form.ts';
import { Continuations } from './verbs/list.ts';
import { Watch } from './verbs/watch.ts';

export interface ServiceOptions {
  /** Bearer token → user name. */
  readonly tokens: ReadonlyMap<string, string>;
  /** State to serve: give the same one to a second server and it is a restart with etcd alive. Default: a new one. */
  readonly cluster?: Cluster;
  /** Called for every request. */
  readonly audit?: AuditSink;
  /** Looks at every authenticated request for objects first: may wait, or throw an ApiError that becomes the answer. */
  readonly intercept?: (request: ObjectRequest, user: string) => void | Promise<void>;
  /** ms between bookmarks of a quiet watch. Default 10,000. */
  readonly bookmarkEvery?: number;
  /** ms after which a watch without timeoutSeconds ends. Default 40 min. */
  readonly longestWatch?: number;
}

/** Paths that anybody may read. */
const open = new Set(['/healthz', '/livez', '/readyz', '/version']);

type Log = (fields: Partial<AuditRecord>) => void;

/** Answers requests: who asks, what for, and into the audit log. Knows no sockets. */
export class Service {
  readonly cluster: Cluster;
  readonly watches = new Set<Watch>();
  readonly continuations = new Continuations();
  readonly #options: ServiceOptions;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.cluster = options.cluster ?? startCluster();
  }

  /** Answers one request, whatever happens in it. */
  async handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const log = this.#logOf(message);
    try {
      await this.#route(message, response, log);
    } catch (error) {
      const known =
        error instanceof ApiError
          ? error
          : new ApiError(500, 'InternalError', `Internal error occurred: ${String(error)}`);
      const after = fieldAt(known.status, ['details', 'retryAfterSeconds']);
      if (typeof after === 'number' && !response.headersSent) response.setHeader('retry-after', after);
      send(response, { code: known.code, body: known.status });
      log({ code: known.code });
    }
  }

  #logOf(message: IncomingMessage): Log {
    const time = this.cluster.now();
    const user = this.#userOf(message) ?? '';
    const base = {
      time,
      user,
      userAgent: message.headers['user-agent'] ?? '',
      verb: (message.method ?? '').toLowerCase(),
    };
    const resource = (message.url ?? '').split('?', 1)[0] ?? '';
    let record: AuditRecord = { ...base, resource, subresource: '', namespace: '', name: '', code: 0 };
    return (fields) => {
      record = { ...record, ...fields };
      if (fields.code !== undefined) this.#options.audit?.(record);
    };
  }

  #userOf(message: IncomingMessage): string | undefined {
    const token = /^Bearer (.+)$/i.exec(message.headers.authorization ?? '')?.[1];
    return token === undefined ? undefined : this.#options.tokens.get(token);
  }

  async #route(message: IncomingMessage, response: ServerResponse, log: Log): Promise<void> {
    const url = new URL(message.url ?? '/', 'http://server');
    const user = this.#userOf(message);
    if (user === undefined && !open.has(url.pathname)) throw errors.unauthorized();
    const general = await this.#general(message, url);
    if (general) {
      sendGeneral(response, general);
      log({ code: 200 });
      return;
    }
    const request = objectRequest(this.cluster.registry, message.method ?? '', url);
    const { verb, resource, subresource = '', namespace = '', name = '' } = request;
    log({ verb, resource: resourceId(resource), subresource, namespace, name });
    await this.#options.intercept?.(request, user ?? '');
    const form = formOf(message.headers.accept, url.searchParams.get('includeObject'));
    if (verb === 'watch') {
      const watch = new Watch(this.cluster, request, form, response);
      this.watches.add(watch);
      response.on('close', () => this.watches.delete(watch));
      watch.start({
        bookmarkEvery: this.#options.bookmarkEvery ?? 10_000,
        longest: this.#options.longestWatch ?? 40 * 60_000,
      });
      log({ code: 200 });
      return;
    }
    const answer = await answerObjects(this.cluster, this.continuations, request, message, form);
    send(response, answer);
    log({ code: answer.code });
  }

  /** Everything that is not about objects. */
  async #general(message: IncomingMessage, url: URL): Promise<Answer | string | Buffer | undefined> {
    const { pathname } = url;
    if (message.method === 'POST' && pathname === '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews')
      return reviewAccess(message);
    if (message.method !== 'GET') return undefined;
    if (pathname === '/version') return { code: 200, body: serverVersion };
    if (open.has(pathname) || /^\/(healthz|livez|readyz)\//.test(pathname)) return 'ok';
    if (pathname === '/openapi/v2') return Buffer.alloc(0);
    if (pathname === '/openapi/v3') return { code: 200, body: openapiIndex(this.cluster.registry) };
    const v3 = /^\/openapi\/v3\/(.+)$/.exec(pathname)?.[1];
    const body =
      v3 === undefined ? discovery(this.cluster.registry, pathname) : openapiDocument(this.cluster.registry, v3);
    return body && { code: 200, body };
  }
}

function send(response: ServerResponse, { code, body, warnings = [] }: Answer): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const text = JSON.stringify(body);
  const warning = warnings.map((message) => `299 - ${JSON.stringify(message)}`);
  if (warning.length > 0) response.setHeader('warning', warning);
  response.writeHead(code, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-cache, private',
  });
  response.end(text);
}

function sendGeneral(response: ServerResponse, answer: Answer | string | Buffer): void {
  if (typeof answer === 'string') response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(answer);
  else if (Buffer.isBuffer(answer))
    response.writeHead(200, { 'content-type': openapiV2Type, 'content-length': answer.length }).end(answer);
  else send(response, answer);
}
