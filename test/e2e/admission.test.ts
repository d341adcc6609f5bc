import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient } from '../../src/kube/calls/client.ts';
import { loadCluster } from '../../src/kube/calls/config.ts';
import { isApiError } from '../../src/kube/calls/errors.ts';
import { resources } from '../../src/kube/calls/resource.ts';
import { startReflector } from '../../src/kube/copy/reflector.ts';
import { silent } from '../../src/kube/logger.ts';
import { fieldsOf, listOf, textOf } from '../../src/lab/apiserver/object.ts';
import { createRunner } from '../../src/lab/run/runner.ts';
import { accessFrom, KubeRest, type Reply } from '../support/kube-rest.ts';
import { until } from '../support/kube-suite.ts';
import { type Alone, startAlone } from './control-plane/alone.ts';
import { deployNamespace, serviceAccountToken } from './control-plane/tokens.ts';
import { realOrSkip } from './real.ts';

// What RBAC cannot say: a daemon's token is held to the objects of its own node (deploy/admission/daemon.yaml).
const real = realOrSkip();
const root = new URL('../..', import.meta.url).pathname;
const own = '/apis/multinic.fms.io/v1';
let alone: Alone | undefined;

/** `node-a`, `node-b`: daemons with tokens bound to a Node; `pod on node-a`: to a Pod there, as a DaemonSet's; `unbound`: to nothing. */
const who = ['admin', 'operator', 'node-a', 'node-b', 'pod on node-a', 'unbound'] as const;
type Who = (typeof who)[number];
let logins: Readonly<Record<Who, KubeRest>>;

interface Call {
  readonly as: Who;
  readonly method: 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: object;
}

const host = (name: string, hostName = name) => ({
  apiVersion: 'multinic.fms.io/v1',
  kind: 'HostInterface',
  metadata: { name },
  spec: { hostName },
});
const pool = (name: string, hostName: string, label = hostName) => ({
  apiVersion: 'multinic.fms.io/v1',
  kind: 'IPPool',
  metadata: { name, labels: { hostname: label, netname: 'net' } },
  spec: { hostName, netAttachDef: 'net', podCIDR: '192.168.0.0/24' },
});

const create = (as: Who, plural: string, body: object): Call => ({
  as,
  method: 'POST',
  path: `${own}/${plural}`,
  body,
});
const update = (as: Who, path: string, body: object): Call => ({ as, method: 'PUT', path: `${own}/${path}`, body });
const remove = (as: Who, path: string): Call => ({ as, method: 'DELETE', path: `${own}/${path}` });

beforeAll(async () => {
  if (real === undefined) return;
  alone = await startAlone(real);
  const { kubeconfig } = alone;
  const runner = createRunner('no lab');
  for (const manifest of ['--filename=src/lab/manifests/nad-crd.yaml', '--kustomize=deploy']) {
    await runner.must(['kubectl', `--kubeconfig=${kubeconfig}`, 'apply', manifest], { cwd: root });
  }
  const admin = new KubeRest(accessFrom(kubeconfig));
  const uids = new Map<string, string>();
  for (const name of ['node-a', 'node-b']) uids.set(name, await made(admin, '/api/v1/nodes', { metadata: { name } }));
  const spec = {
    nodeName: 'node-a',
    serviceAccountName: 'multinic-daemon',
    containers: [{ name: 'daemon', image: 'none' }],
  };
  const pods = `/api/v1/namespaces/${deployNamespace}/pods`;
  const podUid = await made(admin, pods, { metadata: { name: 'daemon' }, spec });
  const daemon = async (kind: 'Node' | 'Pod', name: string, uid: string) =>
    login(await serviceAccountToken({ admin: kubeconfig }, 'multinic-daemon', { kind, name, uid }));
  const login = (token: string) => {
    const { url, ca } = accessFrom(kubeconfig);
    return new KubeRest({ url, token, ...(ca !== undefined && { ca }) });
  };
  logins = {
    admin,
    operator: login(await serviceAccountToken({ admin: kubeconfig }, 'multinic-operator')),
    'node-a': await daemon('Node', 'node-a', uids.get('node-a') ?? ''),
    'node-b': await daemon('Node', 'node-b', uids.get('node-b') ?? ''),
    'pod on node-a': await daemon('Pod', 'daemon', podUid),
    unbound: login(await serviceAccountToken({ admin: kubeconfig }, 'multinic-daemon')),
  };
  // A kind that was just defined answers 429, and a policy takes a moment to be in force.
  await until(
    () => logins.unbound.post(`${own}/hostinterfaces?dryRun=All`, host('probe')),
    ({ code, body }) => code === 403 && textOf(body.message).includes('names no node'),
  );
});
afterAll(() => alone?.close());

/** Makes an object; answers its uid. */
async function made(rest: KubeRest, path: string, body: object): Promise<string> {
  const reply = await until(
    () => rest.post(path, body),
    ({ code }) => code !== 403 && code !== 429,
  );
  const { uid } = Object(reply.body.metadata);
  if (reply.code !== 201) throw new Error(`not made: ${JSON.stringify(reply.body)}`);
  return textOf(uid);
}

/** Updates go on the newest version: what is judged here is not the resourceVersion. */
async function act({ as, method, path, body }: Call): Promise<Reply> {
  const rest = logins[as];
  if (method !== 'PUT') return rest.call(method, path, body);
  const { body: stored } = await logins.admin.get(path.replace(/\/status$/, ''));
  const metadata = { ...Object(stored.metadata), ...Object(Object(body).metadata) };
  return rest.put(path, { ...body, metadata });
}

const ok = 'ok';
/** In this order: later calls find what earlier ones made. */
const calls: readonly (readonly [call: Call, outcome: string])[] = [
  [create('node-a', 'hostinterfaces', host('node-a')), ok],
  [create('node-b', 'hostinterfaces', host('node-b')), ok],
  [update('node-a', 'hostinterfaces/node-a', host('node-a')), ok],
  [update('pod on node-a', 'hostinterfaces/node-a', host('node-a')), ok],
  [
    create('node-a', 'hostinterfaces', host('node-c')),
    '"node-c": the daemon of node "node-a" writes only the HostInterface',
  ],
  [update('node-a', 'hostinterfaces/node-b', host('node-b')), 'writes only the HostInterface of that name'],
  [update('pod on node-a', 'hostinterfaces/node-b', host('node-b')), 'writes only the HostInterface of that name'],
  [
    update('node-a', 'hostinterfaces/node-a', host('node-a', 'node-b')),
    'cannot speak for another node in spec.hostName',
  ],
  [update('unbound', 'hostinterfaces/node-a', host('node-a')), 'names no node'],
  // The status says what a host shall serve: the operator's, by RBAC.
  [update('node-a', 'hostinterfaces/node-a/status', host('node-a')), 'cannot update resource "hostinterfaces/status"'],
  [remove('node-a', 'hostinterfaces/node-a'), 'cannot delete resource "hostinterfaces"'],
  [update('operator', 'hostinterfaces/node-b/status', host('node-b')), ok],

  [create('node-a', 'ippools', pool('net-a', 'node-a')), ok],
  [create('pod on node-a', 'ippools', pool('net-p', 'node-a')), ok],
  [create('node-b', 'ippools', pool('net-b', 'node-b')), ok],
  [update('node-a', 'ippools/net-a', pool('net-a', 'node-a')), ok],
  [update('node-a', 'ippools/net-a/status', pool('net-a', 'node-a')), ok],
  [create('node-a', 'ippools', pool('net-x', 'node-b')), 'writes only IPPools with its node in spec.hostName'],
  [create('node-a', 'ippools', { ...pool('net-x', 'node-a'), spec: {} }), 'writes only IPPools with its node'],
  [create('node-a', 'ippools', pool('net-x', 'node-a', 'node-b')), 'cannot carry another node in the label hostname'],
  [create('unbound', 'ippools', pool('net-x', 'node-a')), 'names no node'],
  [update('node-a', 'ippools/net-b', pool('net-b', 'node-b')), 'writes only IPPools with its node'],
  [update('node-a', 'ippools/net-b', pool('net-b', 'node-a')), 'writes only IPPools with its node'],
  [update('node-a', 'ippools/net-a', pool('net-a', 'node-b')), 'writes only IPPools with its node'],
  [update('node-a', 'ippools/net-b/status', pool('net-b', 'node-b')), 'writes only IPPools with its node'],
  [update('unbound', 'ippools/net-a/status', pool('net-a', 'node-a')), 'names no node'],
  [remove('node-a', 'ippools/net-b'), 'writes only IPPools with its node'],
  [remove('unbound', 'ippools/net-a'), 'names no node'],
  [remove('node-a', 'ippools/net-a'), ok],
  [remove('pod on node-a', 'ippools/net-p'), ok],
  [remove('operator', 'ippools/net-b'), ok],
  [remove('operator', 'hostinterfaces/node-b'), ok],
];

test.each(
  calls.map(([call, outcome]) => [call.as, call.method, call.path.slice(own.length + 1), outcome, call] as const),
)('%s: %s %s: %s', async (_as, _method, _path, outcome, call) => {
  const { code, body } = await act(call);
  if (outcome === ok) expect({ code, message: body.message ?? '' }).toMatchObject({ message: '' });
  else expect({ code, message: body.message }).toEqual({ code: 403, message: expect.stringContaining(outcome) });
  if (outcome === ok) expect([200, 201]).toContain(code);
});

test('kubectl get multinic lists all kinds', async () => {
  const { body } = await logins.admin.get(own);
  const kinds = listOf(body.resources)
    .map(fieldsOf)
    .filter(({ name }) => !textOf(name).includes('/'));
  expect(kinds).toHaveLength(7);
  for (const { categories, shortNames } of kinds) {
    expect(categories).toEqual(['multinic']);
    expect(listOf(shortNames)).toHaveLength(1);
  }
});

test('a daemon whose token died with its Node goes on as soon as another is in the file, without a restart', async () => {
  if (alone === undefined) return;
  const { kubeconfig, auditLog } = alone;
  const folder = dirname(auditLog);
  const write = async (): Promise<void> => {
    const uid = await made(logins.admin, '/api/v1/nodes', { metadata: { name: 'node-r' } });
    const bound = { name: 'node-r', uid };
    writeFileSync(join(folder, 'rotated'), await serviceAccountToken({ admin: kubeconfig }, 'multinic-daemon', bound));
  };
  await write();
  const { url, ca = '' } = accessFrom(kubeconfig);
  const login = {
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [
      { name: 'c', cluster: { server: url, 'certificate-authority-data': Buffer.from(ca).toString('base64') } },
    ],
    users: [{ name: 'u', user: { tokenFile: 'rotated' } }],
  };
  writeFileSync(join(folder, 'kubeconfig-rotated'), JSON.stringify(login));
  const cluster = await loadCluster({ kubeconfig: join(folder, 'kubeconfig-rotated'), env: {} });
  const client = createClient({ cluster, userAgent: 'rotated' });
  const stop = new AbortController();
  const hosts = startReflector({
    client,
    ref: resources.hostInterfaces,
    signal: stop.signal,
    logger: silent,
    project: ({ metadata }) => metadata.name,
  });
  const list = () => client.list(resources.hostInterfaces, { limit: 1 });
  const soon = { timeout: 120_000, interval: 200 };
  try {
    await hosts.synced;
    await logins.admin.delete('/api/v1/nodes/node-r');
    // The server remembers for some seconds that the token was good.
    await expect.poll(() => list().then(String, (error: unknown) => isApiError(error, 401)), soon).toBe(true);
    await write();
    await list();
    // Whether its watch outlived the token or was opened anew: it follows.
    await logins.admin.post(`${own}/hostinterfaces`, host('node-r'));
    await expect.poll(() => hosts.has('node-r'), soon).toBe(true);
  } finally {
    stop.abort();
    await hosts.ended;
    await client.close();
  }
}, 400_000);
