import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ClientOptions, createClient, type KubeClient } from '../../../src/kube/calls/client.ts';
import { loadCluster } from '../../../src/kube/calls/config.ts';
import { ApiError, isAlreadyExists, isConflict, isNotFound, isUnreachable } from '../../../src/kube/calls/errors.ts';
import { inNamespace, resources } from '../../../src/kube/calls/resource.ts';
import { urlOf } from '../../support/kube/fake-api.ts';
import { manualClock } from '../../support/kube/manual-clock.ts';

interface Seen {
  readonly line: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

let server: Server;
let url: string;
let seen: Seen[];
let reply: (request: Seen, response: ServerResponse) => void;
let connections: number;
let directory: string;
const clients: KubeClient[] = [];

beforeEach(async () => {
  seen = [];
  connections = 0;
  reply = (_request, response) => response.end('{}');
  server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const entry = { line: `${request.method} ${request.url}`, headers: request.headers, body };
      seen.push(entry);
      reply(entry, response);
    });
  });
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = urlOf(server);
  directory = await mkdtemp(join(tmpdir(), 'multinic-kube-'));
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true });
});

function connect(more: Partial<ClientOptions> = {}): KubeClient {
  const client = createClient({
    cluster: { server: url, tls: {}, authorization: () => Promise.resolve('Bearer t') },
    userAgent: 'multinic-test/1',
    ...more,
  });
  clients.push(client);
  return client;
}

const object = { apiVersion: 'v1', kind: 'Thing', metadata: { name: 'a b', resourceVersion: '7' } };
const status = (code: number, reason: string) => (_: Seen, response: ServerResponse) => {
  response.writeHead(code, { 'retry-after': '4' });
  response.end(JSON.stringify({ kind: 'Status', code, reason, message: `it is ${reason}` }));
};

describe('client', () => {
  it('sends each verb as the API defines it', async () => {
    const client = connect();
    const nads = inNamespace(resources.networkAttachmentDefinitions, 'prod');
    await client.get(resources.nodes, 'n1');
    await client.create(nads, object);
    await client.replace(resources.cidrs, object);
    await client.replaceStatus(resources.hostInterfaces, object);
    await client.patch(resources.cidrs, 'x', 'merge', { a: 1 });
    await client.patch(resources.cidrs, 'x', 'json', [], { subresource: 'status' });
    await client.delete(resources.cidrs, 'x', { uid: 'u1', propagation: 'Background' });
    const nad = '/apis/k8s.cni.cncf.io/v1/namespaces/prod/network-attachment-definitions';
    expect(seen.map((s) => s.line)).toEqual([
      'GET /api/v1/nodes/n1',
      `POST ${nad}`,
      'PUT /apis/multinic.fms.io/v1/cidrs/a%20b',
      'PUT /apis/multinic.fms.io/v1/hostinterfaces/a%20b/status',
      'PATCH /apis/multinic.fms.io/v1/cidrs/x',
      'PATCH /apis/multinic.fms.io/v1/cidrs/x/status',
      'DELETE /apis/multinic.fms.io/v1/cidrs/x',
    ]);
    expect(seen.slice(4, 6).map((s) => s.headers['content-type'])).toEqual([
      'application/merge-patch+json',
      'application/json-patch+json',
    ]);
    expect(JSON.parse(seen[6]?.body ?? '')).toMatchObject({
      preconditions: { uid: 'u1' },
      propagationPolicy: 'Background',
    });
    for (const { headers } of seen) {
      expect(headers['user-agent']).toBe('multinic-test/1');
      expect(headers.authorization).toBe('Bearer t');
    }
    // Connections are kept (one more may open when a call follows on the heels of another).
    expect(connections).toBeLessThanOrEqual(2);
  });

  it('applies in a name, with force only when told to', async () => {
    const client = connect();
    await client.apply(resources.cidrs, object, { fieldManager: 'me' });
    await client.apply(resources.cidrs, object, { fieldManager: 'me', force: true });
    const path = 'PATCH /apis/multinic.fms.io/v1/cidrs/a%20b?fieldManager=me';
    expect(seen.map((s) => s.line)).toEqual([path, `${path}&force=true`]);
    expect(seen[0]?.headers['content-type']).toBe('application/apply-patch+yaml');
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual(object);
  });

  it('turns refusals into typed errors that name the object', async () => {
    const client = connect();
    reply = status(409, 'Conflict');
    const conflict = await client.replace(resources.cidrs, object).catch((e: unknown) => e);
    expect(isConflict(conflict)).toBe(true);
    expect(conflict).toMatchObject({ code: 409, reason: 'Conflict', retryAfter: 4 });
    expect(String(conflict)).toContain('cidrs.multinic.fms.io/a b: it is Conflict');
    reply = status(409, 'AlreadyExists');
    const exists = await client.create(resources.cidrs, object).catch((e: unknown) => e);
    expect([isAlreadyExists(exists), isConflict(exists)]).toEqual([true, false]);
    reply = status(404, 'NotFound');
    expect(isNotFound(await client.get(resources.cidrs, 'x').catch((e: unknown) => e))).toBe(true);
    expect(await client.delete(resources.cidrs, 'x')).toBe(false);
    reply = (_, response) => {
      response.writeHead(502);
      response.end('<html>bad gateway');
    };
    const page = await client.get(resources.cidrs, 'x').catch((e: unknown) => e);
    expect(page).toMatchObject({ code: 502 });
    expect(String(page)).toContain('bad gateway');
  });

  it.each(['', 'null', '{}', '[]', '<html>', '{"kind":"Status"}', '{"kind":"ThingList","metadata":{},"items":[]}'])(
    'takes no answer for an empty list that is none: %s',
    async (text) => {
      reply = (_, response) => response.end(text);
      const error = await connect()
        .list(resources.cidrs)
        .catch((e: unknown) => e);
      expect(isUnreachable(error), String(error)).toBe(true);
    },
  );

  it('gives up on a server that does not answer, and on none at all', async () => {
    const client = connect({ timeoutMs: 200 });
    reply = () => {};
    expect(isUnreachable(await client.get(resources.nodes, 'x').catch((e: unknown) => e))).toBe(true);
    reply = (_, response) => response.write('{"half":');
    expect(isUnreachable(await client.get(resources.nodes, 'x').catch((e: unknown) => e))).toBe(true);
    const signal = AbortSignal.timeout(200);
    reply = () => {};
    expect(await client.stream('/x', {}, signal).catch((e: unknown) => e)).toBeInstanceOf(ApiError);
    await new Promise((resolve) => (server.closeAllConnections(), server.close(resolve)));
    const gone = await client.get(resources.nodes, 'x').catch((e: unknown) => e);
    expect(isUnreachable(gone)).toBe(true);
    expect(String(gone)).toContain(url);
    server.listen(0, '127.0.0.1');
  });

  it('asks whether it may write when the first byte is due, again when it is told to renew its token; reads go on', async () => {
    let may = true;
    const client = connect({
      mayWrite: () => may,
      cluster: {
        server: url,
        tls: {},
        authorization: (renew) => {
          if (seen.length === 2 || renew) may = false;
          return Promise.resolve('Bearer t');
        },
      },
    });
    await client.create(resources.cidrs, object);
    reply = (_request, response) => response.writeHead(401).end('{}');
    const refused = { code: 0, reason: 'NotLeading' };
    await expect(client.replace(resources.cidrs, object)).rejects.toMatchObject(refused);
    may = true;
    await expect(client.delete(resources.cidrs, 'x')).rejects.toMatchObject(refused);
    expect(seen.map((s) => s.line.split(' ')[0])).toEqual(['POST', 'PUT']);
    reply = (_request, response) => response.end('{}');
    await client.get(resources.cidrs, 'x');
  });

  it('says when it has heard from the server; a 401 is no news', async () => {
    let heard = 0;
    const client = connect({ onHeard: () => heard++ });
    await client.get(resources.nodes, 'x');
    reply = status(404, 'NotFound');
    await client.get(resources.nodes, 'x').catch(() => {});
    expect(heard).toBe(2);
    reply = status(401, 'Unauthorized');
    await client.get(resources.nodes, 'x').catch(() => {});
    expect(heard).toBe(2);
  });

  it('tells of each request what came of it, not of what was called off or not sent', async () => {
    const told: string[] = [];
    const client = connect({
      mayWrite: () => false,
      onCall: ({ method, path, watch, code }) => told.push(`${method} ${path}${watch ? ' watch' : ''} ${code}`),
    });
    await client.get(resources.nodes, 'a');
    reply = status(404, 'NotFound');
    await expect(client.get(resources.nodes, 'b')).rejects.toThrow(ApiError);
    await expect(client.stream('/api/v1/nodes', { watch: 'true' }, new AbortController().signal)).rejects.toThrow();
    await expect(client.create(resources.nodes, object)).rejects.toThrow('does not lead');
    reply = (_request, response) => response.destroy();
    await expect(client.get(resources.nodes, 'c')).rejects.toThrow(ApiError);
    reply = () => undefined;
    const off = AbortSignal.timeout(50);
    await expect(client.get(resources.nodes, 'd', { signal: off })).rejects.toThrow(ApiError);
    await expect(client.stream('/api/v1/nodes', { watch: 'true' }, AbortSignal.timeout(50))).rejects.toThrow();
    expect(told).toEqual([
      'GET /api/v1/nodes/a 200',
      'GET /api/v1/nodes/b 404',
      'GET /api/v1/nodes watch 404',
      'GET /api/v1/nodes/c 0',
    ]);
  });

  it('reads a token file again once a minute and after a 401', async () => {
    const clock = manualClock();
    await writeFile(join(directory, 'token'), 'one\n');
    await writeFile(
      join(directory, 'kubeconfig'),
      JSON.stringify({
        'current-context': 'c',
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
        clusters: [{ name: 'c', cluster: { server: `${url}/` } }],
        users: [{ name: 'u', user: { tokenFile: 'token' } }],
      }),
    );
    const cluster = await loadCluster({ kubeconfig: join(directory, 'kubeconfig'), env: {}, clock });
    expect(cluster.server).toBe(url);
    const client = createClient({ cluster, userAgent: 'x' });
    clients.push(client);
    const token = (): string | undefined => seen.at(-1)?.headers.authorization;
    await client.get(resources.nodes, 'x');
    expect(token()).toBe('Bearer one');
    await writeFile(join(directory, 'token'), 'two');
    await client.get(resources.nodes, 'x');
    expect(token()).toBe('Bearer one');
    clock.advance(60_000);
    await client.get(resources.nodes, 'x');
    expect(token()).toBe('Bearer two');
    await writeFile(join(directory, 'token'), 'three');
    reply = (request, response) => {
      if (request.headers.authorization !== 'Bearer three') return status(401, 'Unauthorized')(request, response);
      response.end('{}');
    };
    await client.get(resources.nodes, 'x');
    expect(token()).toBe('Bearer three');
  });

  it('asks the program that a kubeconfig names', async () => {
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'ran' },
    };
    await writeFile(
      join(directory, 'kubeconfig'),
      JSON.stringify({
        'current-context': 'c',
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
        clusters: [{ name: 'c', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
        users: [
          {
            name: 'u',
            user: {
              exec: {
                apiVersion: 'client.authentication.k8s.io/v1',
                command: 'echo',
                args: [JSON.stringify(credential)],
                interactiveMode: 'Never',
              },
            },
          },
        ],
      }),
    );
    const cluster = await loadCluster({ env: { KUBECONFIG: `:${join(directory, 'kubeconfig')}` } });
    expect(await cluster.authorization()).toBe('Bearer ran');
  });

  it('says what is missing where there is no cluster', async () => {
    await expect(loadCluster({ env: {} })).rejects.toThrow('--kubeconfig');
    await expect(loadCluster({ kubeconfig: '/nonexistent/x', env: {} })).rejects.toThrow('cannot read /nonexistent/x');
    await writeFile(join(directory, 'broken'), 'a: [');
    await expect(loadCluster({ kubeconfig: join(directory, 'broken'), env: {} })).rejects.toThrow('is no YAML');
  });
});
