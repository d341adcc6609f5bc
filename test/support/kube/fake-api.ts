import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { KubeObject } from '../../../src/api/meta.ts';

/** A real HTTP server that keeps one resource and misbehaves on demand. Not the lab's API server: this one breaks connections. */
export interface FakeApi {
  readonly url: string;
  /** `METHOD path?query` of every request, in order. */
  readonly requests: string[];
  readonly openWatches: number;
  put(name: string, labels?: Record<string, string>): void;
  remove(name: string): void;
  /** Raises the version without touching an object of this resource. */
  elsewhere(): void;
  bookmark(): void;
  /** Forgets all events so far: older watches are answered with 410. */
  compact(how: 'status' | 'event'): void;
  closeWatches(): void;
  /** Sends half an event, then resets the connections. */
  resetMidLine(): void;
  sendGarbage(): void;
  /** The next `count` requests that match get this answer. */
  failNext(count: number, code: number, headers?: Record<string, string>): void;
  /** Answers nothing any more (connections stay open) until resumed. */
  stall(on: boolean): void;
  close(): Promise<void>;
}

interface Event {
  readonly version: number;
  readonly line: string;
}

export async function startFakeApi(): Promise<FakeApi> {
  const objects = new Map<string, KubeObject>();
  const requests: string[] = [];
  let events: Event[] = [];
  let version = 1;
  let compacted: { readonly upTo: number; readonly how: 'status' | 'event' } = { upTo: 0, how: 'status' };
  let failures: { code: number; headers: Record<string, string> }[] = [];
  let stalled = false;
  const held: (() => void)[] = [];
  const watches = new Set<ServerResponse>();

  function emit(type: string, object: KubeObject): void {
    const line = `${JSON.stringify({ type, object })}\n`;
    events.push({ version, line });
    for (const watch of watches) watch.write(line);
  }

  function answer(response: ServerResponse, code: number, body: object, headers: Record<string, string> = {}): void {
    response.writeHead(code, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  }

  const expired = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };

  function watch(url: URL, response: ServerResponse): void {
    const from = Number(url.searchParams.get('resourceVersion'));
    if (from < compacted.upTo && compacted.how === 'status') return answer(response, 410, expired);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (from < compacted.upTo) {
      response.end(`${JSON.stringify({ type: 'ERROR', object: expired })}\n`);
      return;
    }
    for (const event of events) if (event.version > from) response.write(event.line);
    watches.add(response);
    response.on('close', () => watches.delete(response));
  }

  function list(url: URL, response: ServerResponse): void {
    const all = [...objects.values()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    const start = Number(url.searchParams.get('continue') ?? 0);
    const limit = Number(url.searchParams.get('limit') ?? all.length);
    const more = start + limit < all.length ? { continue: String(start + limit) } : {};
    answer(response, 200, {
      kind: 'ThingList',
      metadata: { resourceVersion: String(version), ...more },
      items: all.slice(start, start + limit),
    });
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    requests.push(`${request.method} ${request.url}`);
    const failure = failures.shift();
    if (failure !== undefined) return answer(response, failure.code, { message: 'on demand' }, failure.headers);
    const url = new URL(request.url ?? '/', 'http://localhost');
    const respond = (): void => (url.searchParams.get('watch') === 'true' ? watch(url, response) : list(url, response));
    if (stalled) held.push(respond);
    else respond();
  }

  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    url: urlOf(server),
    requests,
    get openWatches() {
      return watches.size;
    },
    put: (name, labels) => {
      version += 1;
      const type = objects.has(name) ? 'MODIFIED' : 'ADDED';
      const object: KubeObject = {
        apiVersion: 'v1',
        kind: 'Thing',
        metadata: { name, resourceVersion: String(version), ...(labels && { labels }) },
      };
      objects.set(name, object);
      emit(type, object);
    },
    remove: (name) => {
      version += 1;
      const object = objects.get(name);
      if (object === undefined) throw new Error(`no ${name}`);
      objects.delete(name);
      emit('DELETED', { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } });
    },
    elsewhere: () => {
      version += 1;
    },
    bookmark: () => {
      const object = { apiVersion: 'v1', kind: 'Thing', metadata: { name: '', resourceVersion: String(version) } };
      for (const watch of watches) watch.write(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
    },
    compact: (how) => {
      compacted = { upTo: version, how };
      events = [];
    },
    closeWatches: () => {
      for (const watch of watches) watch.end();
      watches.clear();
    },
    resetMidLine: () => {
      for (const watch of watches) watch.write('{"type":"ADDED","obj', () => watch.socket?.resetAndDestroy());
    },
    sendGarbage: () => {
      for (const watch of watches) watch.write('<html>\n');
    },
    failNext: (count, code, headers = {}) => {
      failures = Array.from({ length: count }, () => ({ code, headers }));
    },
    stall: (on) => {
      stalled = on;
      if (!on) for (const respond of held.splice(0)) respond();
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Where a server that listens on 127.0.0.1 is reached. */
export function urlOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a port');
  return `http://127.0.0.1:${address.port}`;
}
