import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { MultiNicNetwork } from '../../../src/api/kinds/multinicnetwork.ts';
import type { KubeObject } from '../../../src/api/meta.ts';
import { resources } from '../../../src/kube/calls/resource.ts';
import { consoleLines, root } from '../../support/doc-commands.ts';
import { type Site, startSite } from '../../support/operator/site.ts';
import { predecessorFolder } from '../../support/predecessor.ts';

const run = promisify(execFile);
let site: Site;
let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'multinic-migration-'));
  site = await startSite();
});
afterEach(async () => {
  await site.close();
  rmSync(folder, { recursive: true });
});

/** A line of the page as it is typed, in a folder of its own; `npm run multinic --` is our program. */
async function type(line: string): Promise<string> {
  const program = `${process.execPath} ${root}/src/cli/main.ts`;
  const env = { ...process.env, KUBECONFIG: site.clients.config('admin'), HOME: folder };
  const text = line.replace('npm run multinic --', program);
  return (await run('bash', ['-euo', 'pipefail', '-c', text], { cwd: folder, env })).stdout;
}

/** What multi-nic-cni leaves in a cluster beside the objects of its kinds: its programs, the quick start's network, and a pod. */
function leftByPredecessor(): KubeObject[] {
  const namespace = 'multi-nic-cni-operator';
  const labels = { app: 'multi-nicd' };
  const pod = { containers: [{ name: 'main', image: 'example' }] };
  const spec = { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } };
  const network: KubeObject = parse(readFileSync(join(root, 'examples/quickstart/network.yaml'), 'utf8'));
  const finalizers = ['finalizers.multinicnetwork.multinic.fms.io'];
  const name = `${namespace}-controller-manager`;
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace }, spec },
    { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'multi-nicd', namespace }, spec },
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'trainer-0', namespace: 'default' }, spec: pod },
    { ...network, metadata: { ...network.metadata, finalizers } },
  ];
}

it('docs/migration.md: its commands, in their order, lead from multi-nic-cni to a Ready network', async (ctx) => {
  const { world, hosts, clients } = site;
  if (!(await clients.hasKubectl())) ctx.skip('no kubectl on the PATH');
  writeFileSync(
    join(folder, 'left.json'),
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: leftByPredecessor() }),
  );
  await type('kubectl apply --filename=left.json');
  await clients.kubectl('apply', `--filename=${predecessorFolder}/objects.yaml`);

  const said = new Map<string, string>();
  const lines = consoleLines(readFileSync(join(root, 'docs/migration.md'), 'utf8'));
  for (const line of lines) {
    // Routes of the machine are nobody's to flush: in a namespace that has such a rule and table.
    if (line.startsWith('ip ')) {
      const made =
        'ip link set lo up; ip rule add from 192.168.0.0/16 lookup 100; ip route add 10.9.0.0/16 dev lo table 100';
      await run('unshare', ['--net', 'sh', '-ec', `${made}; ${line}`]);
    } else if (line === 'kubectl apply --kustomize deploy') {
      // test/e2e/deploy.test.ts does it on a server that has admission policies.
      expect(await clients.kubectl('get', 'hostinterfaces,cidrs,ippools')).toBe('');
      world.startOperator();
      await hosts.join('host-a', [1, 2]);
    } else {
      said.set(line, await type(line));
    }
  }
  const answer = (part: string) => [...said].find(([line]) => line.includes(part))?.[1];
  expect(answer('-- check networks.yaml')).toContain('1 judged, 0 problems');
  expect(answer('spec.allocations')).toBe('training/trainer-0\n');
  expect(answer('delete deployment')).toContain('multi-nic-cni-operator-controller-manager');
  expect(answer('get multinicnetworks,ippools')).toMatch(/multi-nic-sample +True +Ready/);
  const network = await world.client.get<MultiNicNetwork>(resources.multiNicNetworks, 'multi-nic-sample');
  expect(network.metadata.finalizers).toEqual(['multinic.fms.io/network']);
});

it('a CIDR that multi-nic-cni left does not stop its network, not even one whose deletion waits for its finalizer', async () => {
  const { world, hosts } = site;
  for (const name of ['left', 'waiting']) {
    const config = { name, type: 'macvlan', subnet: '172.30.0.0/16', hostBlock: 6, interfaceBlock: 2 };
    const metadata = { name, finalizers: ['finalizers.cidr.multinic.fms.io'] };
    const cidr = { apiVersion: 'multinic.fms.io/v1', kind: 'CIDR', metadata, spec: { config, cidr: [] } };
    await world.client.create(resources.cidrs, cidr);
  }
  await world.client.delete(resources.cidrs, 'waiting');
  expect((await world.cidr('waiting'))?.metadata.deletionTimestamp).toBeDefined();
  await hosts.join('host-a', [1, 2]);
  const plugin = { cniVersion: '1.0.0', type: 'macvlan' };
  await world.apply('left', { subnet: '172.30.0.0/16', addressing: { hostBlock: 6, interfaceBlock: 2 }, plugin });
  await world.apply('waiting', { subnet: '172.31.0.0/16', addressing: { hostBlock: 6, interfaceBlock: 2 }, plugin });
  world.startOperator();
  for (const name of ['left', 'waiting']) {
    await world.until(async () => expect(await world.condition(name, 'Ready')).toMatchObject({ status: 'True' }));
    expect((await world.cidr(name))?.metadata.finalizers).toBeUndefined();
    await world.client.delete(resources.multiNicNetworks, name);
  }
  await world.until(async () => expect((await world.client.list(resources.cidrs)).items).toEqual([]));
});
