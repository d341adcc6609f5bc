import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificates } from '../../../src/lab/apiserver/certificates.ts';
import { kubeconfig } from '../../../src/lab/apiserver/kubeconfig.ts';
import { type ApiServer, startApiServer } from '../../../src/lab/apiserver/server.ts';

/** Further kubectl programs to test with, as paths with `:` between them: Debian 11 and 12 have 1.20. */
const more = 'MULTINIC_TEST_KUBECTL';
const programs = ['kubectl', ...(process.env[more] ?? '').split(':').filter((path) => path !== '')];
const crds = new URL('../../../crds/', import.meta.url).pathname;
const run = promisify(execFile);

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A kubectl with its own home (it caches discovery there), talking to one server. */
class Kubectl {
  readonly home = mkdtempSync(join(tmpdir(), 'multinic-kubectl-'));
  readonly #program: string;

  constructor(program: string, config: string) {
    this.#program = program;
    writeFileSync(join(this.home, 'config'), config);
  }

  get #environment(): NodeJS.ProcessEnv {
    return { PATH: process.env.PATH, HOME: this.home, KUBECONFIG: join(this.home, 'config') };
  }

  /** Runs to the end, whatever the exit code. */
  async try(args: readonly string[], input?: string, environment: NodeJS.ProcessEnv = {}): Promise<Outcome> {
    const call = run(this.#program, [...args], { env: { ...this.#environment, ...environment }, timeout: 240_000 });
    call.child.stdin?.end(input);
    try {
      const { stdout, stderr } = await call;
      return { code: 0, out: stdout, err: stderr };
    } catch (error) {
      const { code, stdout, stderr } = Object(error);
      return { code: Number(code), out: String(stdout), err: String(stderr) };
    }
  }

  /** Runs and gives stdout; fails when kubectl does. */
  async out(args: string, input?: string, environment?: NodeJS.ProcessEnv): Promise<string> {
    const result = await this.try(args.split(' '), input, environment);
    if (result.code !== 0) throw new Error(`kubectl ${args}: ${result.code} ${result.err}`);
    return result.out;
  }

  /** Runs in the background, for commands that wait. */
  start(args: string): { stdout: Promise<string>; text: () => string; stop: () => void } {
    const child = spawn(this.#program, args.split(' '), { env: this.#environment, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    const stdout = new Promise<string>((resolve) => child.once('close', () => resolve(text)));
    return { stdout, text: () => text, stop: () => child.kill() };
  }

  remove(): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}

const network = (mode: string, extra = ''): string => `apiVersion: multinic.fms.io/v1
kind: MultiNicNetwork
metadata:
  name: net
spec:
  subnet: 192.168.0.0/16
  ipam: |
    { "type": "multi-nic-ipam", "hostBlock": 6, "interfaceBlock": 2, "vlanMode": "${mode}" }
  multiNICIPAM: true
  plugin:
    cniVersion: "0.3.0"
    type: ipvlan
    args:
      mode: ${mode}
${extra}`;

const ready = (status: string): string =>
  JSON.stringify({
    status: {
      subnets: '192.168.0.0/16',
      hosts: 3,
      conditions: [
        { type: 'Ready', status, reason: 'Tested', message: 'by hand', lastTransitionTime: '2026-01-01T00:00:00Z' },
      ],
    },
  });

const pod = `apiVersion: v1
kind: Pod
metadata:
  name: pod
  annotations:
    k8s.v1.cni.cncf.io/networks: net
spec:
  nodeName: host-1
  containers:
    - name: main
      image: none
`;

test(`a second kubectl is tested too`, (ctx) => {
  if (programs.length === 1) ctx.skip(`${more} names no further kubectl (1.20 is the oldest that must work)`);
  expect(programs.length).toBeGreaterThan(1);
});

describe.each(programs)('%s', (program) => {
  let server: ApiServer;
  let kubectl: Kubectl;

  /** Writes a status past kubectl, as a controller does. */
  const patchStatus = async (name: string, patch: string): Promise<void> => {
    const url = `${plain.url}/apis/multinic.fms.io/v1/multinicnetworks/${name}/status`;
    const headers = { authorization: 'Bearer secret', 'content-type': 'application/merge-patch+json' };
    const reply = await fetch(url, { method: 'PATCH', headers, body: patch });
    expect(reply.status).toBe(200);
    await reply.text();
  };
  // The same state over plain HTTP, for what the tests do beside kubectl.
  let plain: ApiServer;

  beforeAll(async () => {
    const tls = makeCertificates(['127.0.0.1']);
    const listen = [{ address: '127.0.0.1', port: 0 }];
    const tokens = new Map([['secret', 'admin']]);
    server = await startApiServer({ listen, tls, tokens });
    plain = await startApiServer({ listen, tokens, cluster: server.cluster });
    kubectl = new Kubectl(program, kubeconfig({ url: server.url, ca: tls.ca, user: 'admin', token: 'secret' }));
    for (const file of readdirSync(crds).filter((name) => name.startsWith('multinic'))) {
      expect(await kubectl.out(`apply -f ${join(crds, file)}`)).toContain('created');
    }
    await kubectl.out('wait --for=condition=Established crd --all --timeout=20s');
  });
  afterAll(async () => {
    await plain.close();
    await server.close();
    kubectl.remove();
  });

  test('api-resources and version', async () => {
    expect(await kubectl.out('api-resources')).toMatch(
      /multinicnetworks +mnn +multinic\.fms\.io(\/v1)? +false +MultiNicNetwork/,
    );
    expect(await kubectl.out('version')).toMatch(/v?1.*31/s);
  });

  test('apply creates, changes, leaves alone; get in all forms', async () => {
    expect(await kubectl.out('apply -f -', network('l3'))).toContain('net created');
    expect(await kubectl.out('apply -f -', network('l2'))).toContain('net configured');
    expect(await kubectl.out('apply -f -', network('l2'))).toContain('net unchanged');
    expect(await kubectl.out('get mnn net -o jsonpath={.spec.plugin.args.mode}')).toBe('l2');
    expect(await kubectl.out('get mnn net -o yaml')).toContain('mode: l2');
    expect(JSON.parse(await kubectl.out('get multinicnetworks -o json'))).toMatchObject({
      items: [{ metadata: { name: 'net' } }],
    });
    await patchStatus('net', ready('False'));
    const [head, row] = (await kubectl.out('get mnn')).split('\n');
    expect(head?.split(/ +/)).toEqual(['NAME', 'READY', 'REASON', 'SUBNET', 'HOSTS', 'NICS', 'ATTACHMENTS', 'AGE']);
    expect(row).toMatch(/^net +False +Tested +192\.168\.0\.0\/16 +3 +\d+s/);
    expect(await kubectl.out('get mnn net -o wide --show-labels')).toContain('<none>');
    expect(await kubectl.out('get multinic -o name')).toContain('multinicnetwork.multinic.fms.io/net');
    const described = await kubectl.out('describe mnn net');
    expect(described).toContain('Mode:');
    expect(described).toContain('by hand');
  });

  test('a manifest with unknown or wrong fields is refused and names them', async () => {
    const wrong = await kubectl.try(
      ['apply', '-f', '-'],
      network('l3').replace('cniVersion: "0.3.0"', 'cniVersion: 3'),
    );
    expect(wrong.code).not.toBe(0);
    expect(wrong.err).toContain('spec.plugin.cniVersion');
    // Before 1.25, kubectl checks fields itself, by a document that this server leaves empty.
    const unknown = await kubectl.try(
      ['create', '-f', '-'],
      network('l3', '  subnett: 10.0.0.0/8\n').replace('name: net', 'name: other'),
    );
    if ((await kubectl.out('version --client')).includes('"20"')) expect(unknown.code).toBe(0);
    else expect(unknown.err).toContain('unknown field "spec.subnett"');
  });

  test('label, annotate, patch, edit', async () => {
    await kubectl.out('apply -f -', network('l2'));
    expect(await kubectl.out('label mnn net tier=a')).toContain('labeled');
    expect(await kubectl.out('get mnn -l tier=a -o name')).toContain('/net');
    expect(await kubectl.out('annotate mnn net note=x')).toContain('annotated');
    expect(await kubectl.out('patch mnn net --type=merge -p {"spec":{"subnet":"10.0.0.0/8"}}')).toContain('patched');
    expect(
      await kubectl.out('patch mnn net --type=json -p [{"op":"replace","path":"/spec/subnet","value":"10.0.0.0/9"}]'),
    ).toContain('patched');
    const edited = await kubectl.out('edit mnn net', undefined, { KUBE_EDITOR: 'sed -i s,10.0.0.0/9,10.0.0.0/10,' });
    expect(edited).toContain('edited');
    expect(await kubectl.out('get mnn net -o jsonpath={.spec.subnet}')).toBe('10.0.0.0/10');
    expect(await kubectl.out('label mnn net tier-')).toContain('net');
    expect(await kubectl.out('get mnn -l tier=a -o name')).toBe('');
  });

  test('wait sees a condition that comes later', async () => {
    await patchStatus('net', ready('False'));
    const waiting = kubectl.start('wait --for=condition=Ready mnn/net --timeout=120s');
    await sleep(300);
    await patchStatus('net', ready('True'));
    expect(await waiting.stdout).toContain('condition met');
  });

  test('get -w shows changes as rows', async () => {
    const watching = kubectl.start('get mnn -w');
    await expect.poll(watching.text).toMatch(/^net +True .*\n/m);
    await patchStatus('net', JSON.stringify({ status: { hosts: 42 } }));
    await expect.poll(watching.text).toMatch(/^net +True .* 42 .*\n/m);
    watching.stop();
    const lines = (await watching.stdout).trim().split('\n');
    expect(lines.at(0)).toContain('READY');
    expect(lines.at(-1)).toMatch(/^net +True .* 42 /);
    expect(lines.filter((line) => line.startsWith('NAME')).length).toBe(1);
  });

  test('delete waits for finalizers', async () => {
    await kubectl.out('patch mnn net --type=merge -p {"metadata":{"finalizers":["multinic.fms.io/network"]}}');
    const deleting = kubectl.start('delete mnn net --timeout=120s');
    const waiting = kubectl.start('wait --for=delete mnn/net --timeout=120s');
    await expect.poll(() => kubectl.out('get mnn net -o jsonpath={.metadata.deletionTimestamp}')).toMatch(/Z$/);
    await kubectl.out('patch mnn net --type=merge -p {"metadata":{"finalizers":null}}');
    expect(await deleting.stdout).toContain('deleted');
    await waiting.stdout;
    expect((await kubectl.try(['get', 'mnn', 'net'])).err).toContain('not found');
  });

  test('namespaces, pods, config maps: built-in kinds', async () => {
    expect(await kubectl.out('create namespace room')).toContain('created');
    expect(await kubectl.out('-n room apply -f -', pod)).toContain('pod/pod created');
    expect(await kubectl.out('-n room apply -f -', pod.replace('image: none', 'image: other'))).toContain('configured');
    expect(await kubectl.out('-n room get pod pod -o jsonpath={.spec.containers[*].image}')).toBe('other');
    expect(await kubectl.out('get pods -A -o wide')).toMatch(/room +pod +0\/1 +Pending +0 .*host-1/);
    expect(await kubectl.out('get pods -A --field-selector spec.nodeName=host-1 -o name')).toContain('pod/pod');
    expect(await kubectl.out('-n room label pod pod a=b')).toContain('labeled');
    expect(await kubectl.out('-n room annotate pod pod a=b')).toContain('annotated');
    expect(await kubectl.out('-n room patch pod pod -p {"metadata":{"labels":{"c":"d"}}}')).toContain('patched');
    expect(await kubectl.out('-n room edit pod pod', undefined, { KUBE_EDITOR: 'sed -i s/other/third/' })).toContain(
      'edited',
    );
    expect(await kubectl.out('-n room describe pod pod')).toContain('host-1/');
    await kubectl.out('-n room create configmap settings --from-literal=a=b');
    expect(await kubectl.out('-n room get cm')).toMatch(/settings +1 /);
    await kubectl.out('apply -f -', 'apiVersion: v1\nkind: Node\nmetadata:\n  name: host-1\n');
    expect(await kubectl.out('get nodes')).toMatch(/host-1 +Unknown/);
    expect(await kubectl.out('describe node host-1')).toContain('host-1');
    expect(await kubectl.out('delete node host-1')).toContain('deleted');
    expect(await kubectl.out('-n room delete pod pod')).toContain('deleted');
    expect(await kubectl.out('delete namespace room')).toContain('deleted');
    expect(await kubectl.out('get cm -A')).toBe('');
  });

  test('a whole folder and its removal; deleting a CRD takes its objects', async () => {
    await kubectl.out('apply -f -', network('l3'));
    expect(await kubectl.out('delete crd multinicnetworks.multinic.fms.io')).toContain('deleted');
    expect((await kubectl.try(['get', 'mnn'])).code).not.toBe(0);
    expect(await kubectl.out(`apply -f ${join(crds, 'multinic.fms.io_multinicnetworks.yaml')}`)).toContain('created');
    expect(await kubectl.out('get mnn')).toBe('');
  });
});
