import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { parse } from 'yaml';
import { type Fields, fieldAt, fieldsOf, listOf, textOf } from '../../src/lab/apiserver/object.ts';

/** How to reach an API server: from a kubeconfig, or made by hand. */
export interface Access {
  readonly url: string;
  readonly token?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface Reply {
  readonly code: number;
  readonly body: Fields;
  readonly warnings: readonly string[];
}

export interface WatchEvent {
  readonly type: string;
  readonly object: Fields;
}

function inline(fields: Fields, name: string): string | undefined {
  const data = textOf(fields[`${name}-data`]);
  if (data !== '') return Buffer.from(data, 'base64').toString('utf8');
  const file = textOf(fields[name]);
  return file === '' ? undefined : readFileSync(file, 'utf8');
}

/** The first cluster and user of a kubeconfig file. */
export function accessFrom(file: string): Access {
  const config: unknown = parse(readFileSync(file, 'utf8'));
  const cluster = fieldsOf(fieldAt(listOf(fieldAt(config, ['clusters']))[0], ['cluster']));
  const user = fieldsOf(fieldAt(listOf(fieldAt(config, ['users']))[0], ['user']));
  const parts = {
    token: textOf(user.token) || undefined,
    ca: inline(cluster, 'certificate-authority'),
    cert: inline(user, 'client-certificate'),
    key: inline(user, 'client-key'),
  };
  const known = Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
  return { url: textOf(cluster.server), ...known };
}

/** A bare REST client: what goes over the wire is exactly what a test says. */
export class KubeRest {
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  #open(
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const { url, token, ca, cert, key } = this.#access;
    // DELETE would be sent without a length otherwise, and its body read as the next request.
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const options: RequestOptions = {
      method,
      headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...length, ...headers },
      agent: false,
      ...(signal ? { signal } : {}),
    };
    const target = new URL(path, url);
    return new Promise((resolve, reject) => {
      const tls = Object.fromEntries(Object.entries({ ca, cert, key }).filter(([, value]) => value !== undefined));
      const call =
        target.protocol === 'https:' ? httpsRequest(target, { ...options, ...tls }) : httpRequest(target, options);
      call.once('response', resolve).once('error', reject).end(body);
    });
  }

  /** One request; body is sent as JSON of the given content type. */
  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const reply = await this.#open(
      method,
      path,
      { accept: 'application/json', ...type, ...headers },
      body === undefined ? undefined : JSON.stringify(body),
    );
    const content = await text(reply);
    const json = (reply.headers['content-type'] ?? '').startsWith('application/json');
    return {
      code: reply.statusCode ?? 0,
      body: json ? fieldsOf(JSON.parse(content)) : { text: content },
      warnings: [reply.headers.warning ?? []].flat(),
    };
  }

  get = (path: string): Promise<Reply> => this.call('GET', path);
  post = (path: string, body: unknown): Promise<Reply> => this.call('POST', path, body);
  put = (path: string, body: unknown): Promise<Reply> => this.call('PUT', path, body);
  delete = (path: string, body?: unknown): Promise<Reply> => this.call('DELETE', path, body);
  patch = (path: string, patch: unknown, type = 'merge-patch'): Promise<Reply> =>
    this.call('PATCH', path, patch, { 'content-type': `application/${type}+json` });

  /** Opens a watch; `path` carries the query. Stop it by stop(). */
  async watch(path: string, headers: Record<string, string> = {}): Promise<WatchStream> {
    const abort = new AbortController();
    const reply = await this.#open('GET', path, { accept: 'application/json', ...headers }, undefined, abort.signal);
    if (reply.statusCode !== 200) throw new Error(`watch ${path}: ${reply.statusCode} ${await text(reply)}`);
    return new WatchStream(reply, abort);
  }
}

/** The events of one watch, in order. */
export class WatchStream {
  readonly #lines: AsyncGenerator<WatchEvent>;
  readonly #abort: AbortController;

  constructor(reply: IncomingMessage, abort: AbortController) {
    this.#abort = abort;
    this.#lines = events(reply);
  }

  /** The next event that is none of the types to skip; undefined when the server has ended the watch. */
  async next(...skip: string[]): Promise<WatchEvent | undefined> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) return undefined;
      if (!skip.includes(value.type)) return value;
    }
  }

  stop(): void {
    this.#abort.abort();
  }
}

async function* events(reply: IncomingMessage): AsyncGenerator<WatchEvent> {
  let rest = '';
  try {
    for await (const chunk of reply.setEncoding('utf8')) {
      const lines = `${rest}${textOf(chunk)}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const event = fieldsOf(JSON.parse(line));
        yield { type: textOf(event.type), object: fieldsOf(event.object) };
      }
    }
  } catch (error) {
    if (!(error instanceof Error && error.name === 'AbortError')) throw error;
  }
}
