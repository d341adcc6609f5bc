import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fieldAt, listOf, textOf } from '../../src/lab/apiserver/object.ts';
import { createRunner, type Runner } from '../../src/lab/run/runner.ts';
import { consoleLines } from '../support/doc-commands.ts';
import { accessFrom, KubeRest } from '../support/kube-rest.ts';
import { until } from '../support/kube-suite.ts';
import { predecessorFolder, predecessorObjects } from '../support/predecessor.ts';
import { type Alone, startAlone } from './control-plane/alone.ts';
import { deployNamespace, serviceAccountToken } from './control-plane/tokens.ts';
import { realOrSkip } from './real.ts';

const real = realOrSkip();
let alone: Alone | undefined;
const root = new URL('../..', import.meta.url).pathname;
let runner: Runner;
const kindNames = ['multinicnetwork', 'hostinterface', 'cidr', 'cidrslice', 'ippool', 'deviceclass', 'config'];

/** The administrator's kubeconfig. */
function admin(): string {
  if (alone === undefined) throw new Error('the control plane does not run');
  return alone.kubeconfig;
}

async function kubectl(...args: string[]): Promise<string> {
  return runner.must(['kubectl', `--kubeconfig=${admin()}`, ...args], { cwd: root });
}

beforeAll(async () => {
  if (real === undefined) return;
  alone = await startAlone(real);
  runner = createRunner('no lab');
  await kubectl('apply', '--filename=src/lab/manifests/nad-crd.yaml');
  await kubectl('apply', '--kustomize=deploy');
  await kubectl('wait', '--for=condition=Established', '--timeout=90s', 'crd', '--all');
  // What kubectl explains is made of the kinds a moment after they are served.
  const rest = new KubeRest(accessFrom(admin()));
  const kinds = kindNames.map((kind) => `.v1.${kind}"`);
  await until(
    () => rest.get('/openapi/v3/apis/multinic.fms.io/v1'),
    ({ body }) => kinds.every((kind) => JSON.stringify(body).toLowerCase().includes(kind)),
  );
});
afterAll(async () => {
  await alone?.close();
});

test('applied again, nothing changes', async () => {
  const said = await kubectl('apply', '--kustomize=deploy');
  expect(
    said
      .trim()
      .split('\n')
      .filter((line) => !line.endsWith(' unchanged')),
  ).toEqual([]);
});

test('the server finds no fault with any schema', async () => {
  const rest = new KubeRest(accessFrom(admin()));
  const { body } = await rest.get('/apis/apiextensions.k8s.io/v1/customresourcedefinitions');
  const faults = listOf(body.items).flatMap((crd) =>
    listOf(fieldAt(crd, ['status', 'conditions']))
      .filter((condition) => textOf(fieldAt(condition, ['type'])) === 'NonStructuralSchema')
      .map((condition) => `${textOf(fieldAt(crd, ['metadata', 'name']))}: ${textOf(fieldAt(condition, ['message']))}`),
  );
  expect(faults).toEqual([]);
});

test.each(kindNames)('kubectl explain %s describes every field', async (kind) => {
  const text = `${await kubectl('explain', kind)}${await kubectl('explain', `${kind}.spec`)}`;
  expect(text).not.toContain('<no description>');
  expect(text).toContain('FIELDS:');
});

// That every field at any depth has a sentence: test/unit/tools/crds.test.ts.
test.each([
  ['multinicnetwork.spec.addressing.hostBlock', /Bits of an address .* 6 makes room for 64\s+hosts.*Range 0 to 31/s],
  ['multinicnetwork.spec.addressing.vlanMode', /ENUM:\s+l2\s+l3\s+l3s\s.*How packets travel between hosts/s],
  ['multinicnetwork.status.conditions', /lastTransitionTime\s.*observedGeneration\s.*reason\s/s],
  ['hostinterface.status.networks.blocks', /podCIDRs\s+<\[\]string>/],
])('kubectl explain %s says what to write', async (field, words) => {
  const text = await kubectl('explain', field);
  expect(text).not.toContain('<no description>');
  expect(text).toMatch(words);
});

const seen = [
  {
    kind: 'HostInterface',
    spec: { hostName: 'seen', nics: 'eth1,eth2', serves: 'net-a', interfaces: [{ interfaceName: 'eth1' }] },
    table: /^NAME +NICS +SERVES +AGE\nseen +eth1,eth2 +net-a +\S+$/,
  },
  {
    kind: 'DeviceClass',
    spec: { ids: [{ vendor: '15b3', products: ['101b', '101d'] }] },
    table: /^NAME +IDS +AGE\nseen +\[\{"products":\["101b","101d"\],"vendor":"15b3"\}\] +\S+$/,
  },
  {
    kind: 'CIDR',
    spec: { config: { type: 'ipvlan', subnets: ['10.0.0.0/8', 'fd00::/32'], hostBlock: 6, interfaceBlock: 2 } },
    table:
      /^NAME +PLUGIN +SUBNETS +RAIL-BITS +HOST-BITS +REVISION +AGE\nseen +ipvlan +\["10.0.0.0\/8","fd00::\/32"\] +2 +6/,
  },
  {
    kind: 'IPPool',
    spec: { netAttachDef: 'net-a', hostName: 'seen', interfaceName: 'eth1', podCIDR: '10.0.1.0/24' },
    table: /^NAME +NETWORK +HOST +NIC +BLOCK +USED +CAPACITY +AGE\nseen +net-a +seen +eth1 +10.0.1.0\/24/,
  },
];

test.each(seen)('kubectl get $kind shows what a person asks for', async ({ kind, spec, table }) => {
  const object = { apiVersion: 'multinic.fms.io/v1', kind, metadata: { name: 'seen' }, spec };
  await runner.must(['kubectl', `--kubeconfig=${admin()}`, 'create', '--filename=-'], {
    input: JSON.stringify(object),
  });
  expect((await kubectl('get', `${kind}.multinic.fms.io`)).trim()).toMatch(table);
});

test.each(['operator', 'daemon'])(
  'what the token of the %s may do names every kind and verb: no wildcard',
  async (account) => {
    const token = await serviceAccountToken({ admin: admin() }, `multinic-${account}`);
    const { url, ca } = accessFrom(admin());
    const rest = new KubeRest({ url, token, ...(ca !== undefined && { ca }) });
    // All that any binding gives it, as the server itself sums it up.
    for (const namespace of ['default', 'kube-system', deployNamespace]) {
      const { code, body } = await rest.post('/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectRulesReview',
        spec: { namespace },
      });
      expect(code).toBe(201);
      const rules = listOf(fieldAt(body, ['status', 'resourceRules']));
      expect(JSON.stringify(rules)).toContain('multinicnetworks');
      expect(rules.filter((rule) => JSON.stringify(rule).includes('*'))).toEqual([]);
      // Of other paths what everybody may read who is logged in, and no more.
      const paths = listOf(fieldAt(body, ['status', 'nonResourceRules']));
      expect(paths.filter((rule) => JSON.stringify(fieldAt(rule, ['verbs'])) !== '["get"]')).toEqual([]);
    }
  },
);

const own = '/apis/multinic.fms.io/v1';
const nads = '/apis/k8s.cni.cncf.io/v1';
const inDeployed = `/api/v1/namespaces/${deployNamespace}`;

/** 404 is an answer to one who may ask: there is no object of that name. */
const calls = [
  ['operator', 'GET', `${own}/multinicnetworks`, 200],
  ['operator', 'DELETE', `${own}/cidrs/none`, 404],
  ['operator', 'DELETE', `${own}/hostinterfaces/none`, 404],
  ['operator', 'DELETE', `${nads}/namespaces/default/network-attachment-definitions/none`, 404],
  ['operator', 'GET', '/api/v1/nodes', 200],
  ['operator', 'DELETE', `${own}/multinicnetworks/none`, 403],
  ['operator', 'DELETE', '/api/v1/nodes/none', 403],
  ['operator', 'GET', '/api/v1/pods', 403],
  ['operator', 'GET', '/api/v1/secrets', 403],
  ['operator', 'GET', '/api/v1/namespaces/default/events', 403],
  ['operator', 'GET', `/apis/apps/v1/namespaces/${deployNamespace}/daemonsets`, 200],
  ['operator', 'GET', '/apis/apps/v1/daemonsets', 403],
  ['operator', 'DELETE', `/apis/apps/v1/namespaces/${deployNamespace}/daemonsets/none`, 403],
  ['operator', 'GET', `${inDeployed}/pods`, 403],
  ['operator', 'GET', `${inDeployed}/pods/none`, 404],
  ['operator', 'DELETE', `${own}/configs/none`, 403],
  ['operator', 'GET', `${inDeployed}/secrets`, 403],
  ['daemon', 'GET', `${own}/multinicnetworks`, 200],
  ['daemon', 'GET', `${own}/cidrslices`, 200],
  ['daemon', 'DELETE', `${own}/ippools/none`, 404],
  ['daemon', 'DELETE', `${own}/hostinterfaces/none`, 403],
  ['daemon', 'DELETE', `${own}/cidrs/none`, 403],
  ['daemon', 'DELETE', `${own}/multinicnetworks/none`, 403],
  ['daemon', 'GET', '/api/v1/nodes', 403],
  ['daemon', 'GET', '/api/v1/pods', 403],
  ['daemon', 'GET', '/api/v1/namespaces/default/pods/none', 404],
  ['daemon', 'GET', `${inDeployed}/secrets`, 403],
  ['daemon', 'GET', `${nads}/network-attachment-definitions`, 403],
] as const;

test.each(calls)('with the token of the %s: %s %s is answered %i', async (account, method, path, code) => {
  const { url, ca } = accessFrom(admin());
  const token = await serviceAccountToken({ admin: admin() }, `multinic-${account}`);
  const rest = new KubeRest({ url, token, ...(ca !== undefined && { ca }) });
  // 429: the server's cache of a kind that was just defined is not filled yet.
  const settled = await until(
    () => rest.call(method, path),
    (reply) => reply.code !== 429,
  );
  expect(settled.code).toBe(code);
});

test('kubectl applies every manifest of the predecessor as it is', async () => {
  const said = await kubectl('apply', '--validate=strict', `--filename=${predecessorFolder}`);
  const made = predecessorObjects().map(
    ({ kind, metadata }) => `${kind.toLowerCase()}.multinic.fms.io/${metadata.name} created`,
  );
  expect(said.trim().split('\n').toSorted()).toEqual(made.toSorted());
});

// Namespaces need a controller manager to end: kinds go without.
test("what docs/migration.md and docs/operator.md say takes the predecessor's objects away, and then every kind", async () => {
  const lines = consoleLines(readFileSync(join(root, 'docs/migration.md'), 'utf8'));
  const steps = lines.filter((line) => line.includes('xargs') || line.startsWith('kubectl delete cidrs,'));
  expect(steps).toHaveLength(2);
  await kubectl('apply', `--filename=${predecessorFolder}`);
  const env = { KUBECONFIG: admin() };
  for (const line of steps) await runner.must(['bash', '-euo', 'pipefail', '-c', line], { cwd: root, env });
  expect(await kubectl('get', 'cidrs,ippools,hostinterfaces')).toBe('');
  const bare = '{"metadata":{"finalizers":null}}';
  for (const name of (await kubectl('get', 'multinicnetworks,configs.multinic.fms.io', '--output=name'))
    .trim()
    .split('\n')) {
    await kubectl('patch', name, '--type=merge', `--patch=${bare}`);
  }
  await kubectl('delete', '--kustomize=deploy', '--wait=false');
  await expect.poll(() => kubectl('get', 'crd', '--output=name'), { timeout: 60_000 }).not.toContain('multinic.fms.io');
});
