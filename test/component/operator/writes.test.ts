import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubeObject } from '../../../src/api/meta.ts';
import { createClient, type KubeClient } from '../../../src/kube/calls/client.ts';
import { type Reflector, startReflector } from '../../../src/kube/copy/reflector.ts';
import { silent } from '../../../src/kube/logger.ts';
import { type ApiServer, startApiServer } from '../../../src/lab/apiserver/server.ts';
import { remove, type Target } from '../../../src/operator/writes.ts';

const ref = { group: '', version: 'v1', plural: 'configmaps', namespace: 'default' };
const stop = new AbortController();
let server: ApiServer;
let client: KubeClient;
let copy: Reflector<KubeObject>;
let target: Target;
beforeAll(async () => {
  server = await startApiServer({ listen: [{ address: '127.0.0.1', port: 0 }], tokens: new Map([['secret', 'me']]) });
  const cluster = { server: server.url, tls: {}, authorization: () => Promise.resolve('Bearer secret') };
  client = createClient({ cluster, userAgent: 'test/1' });
  copy = startReflector({ client, ref, signal: stop.signal, logger: silent, project: (object) => object });
  target = { client, ref, cache: copy };
  await copy.synced;
});
afterAll(async () => {
  stop.abort();
  await copy?.ended;
  await client?.close();
  await server?.close();
});

async function made(name: string, finalizers: readonly string[]): Promise<KubeObject> {
  const metadata = { name, finalizers: [...finalizers] };
  const object = await client.create<KubeObject>(ref, { apiVersion: 'v1', kind: 'ConfigMap', metadata });
  copy.learn(object);
  return object;
}

test('what was removed is not in the copy any more, whenever the watch says so', async () => {
  const object = await made('gone', []);
  await remove(target, object, stop.signal);
  expect(copy.has('default/gone')).toBe(false);
});

test('what waits for a finalizer stays in the copy, as on the server, however often it is removed', async () => {
  await remove(target, await made('held', ['example.com/held']), stop.signal);
  await expect.poll(() => copy.get('default/held')?.metadata.deletionTimestamp).toBeDefined();
  const held = copy.get('default/held');
  if (held === undefined) throw new Error('it has gone');
  // Nothing changes by this, so that no watch would bring back what a copy forgot.
  await remove(target, held, stop.signal);
  expect(copy.has('default/held')).toBe(true);
  await client.patch(ref, 'held', 'merge', { metadata: { finalizers: null } });
  await expect.poll(() => copy.has('default/held')).toBe(false);
});
