import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Fields, fieldsOf, textOf } from '../../../src/lab/apiserver/object.ts';
import { accessFrom, KubeRest } from '../../support/kube-rest.ts';

const main = new URL('../../../src/lab/apiserver/main.ts', import.meta.url).pathname;

let dir: string;
let child: ChildProcess | undefined;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'multinic-apiserver-'));
});
afterEach(() => {
  child?.kill('SIGCONT');
  child?.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

/** Starts the program and gives what its ready line says. */
async function start(...args: string[]): Promise<Fields> {
  child = spawn(process.execPath, [main, '--dir', dir, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout ?? process.stdin })) return fieldsOf(JSON.parse(line));
  throw new Error('the program ended before it was ready');
}

function client(ready: Fields, user: string): KubeRest {
  return new KubeRest(accessFrom(textOf(fieldsOf(ready.kubeconfigs)[user])));
}

function exit(): Promise<number | null> {
  return new Promise((resolve) => child?.once('exit', (code) => resolve(code)));
}

describe('the program', () => {
  test('listens on several addresses with one certificate; each user has a kubeconfig for one of them', async () => {
    const ready = await start(
      '--listen',
      '127.0.0.1:0',
      '--listen',
      '127.0.0.2:0',
      '--user',
      'operator',
      '--user',
      'daemon:host-1@127.0.0.2',
    );
    const files = fieldsOf(ready.kubeconfigs);
    expect(Object.keys(files)).toEqual(['admin', 'operator', 'daemon:host-1']);
    expect(files['daemon:host-1']).toBe(join(dir, 'kubeconfig-daemon-host-1'));
    expect(statSync(join(dir, 'kubeconfig-admin')).mode & 0o777).toBe(0o600);
    expect(accessFrom(textOf(files['daemon:host-1'])).url).toMatch(/^https:\/\/127\.0\.0\.2:/);
    for (const user of Object.keys(files))
      expect((await client(ready, user).get('/api/v1/namespaces/default')).code).toBe(200);
    const anonymous = new KubeRest({
      url: accessFrom(textOf(files.admin)).url,
      ca: readFileSync(join(dir, 'ca.crt'), 'utf8'),
    });
    expect(await anonymous.get('/api/v1/namespaces')).toMatchObject({ code: 401, body: { reason: 'Unauthorized' } });
    expect((await anonymous.get('/readyz')).body).toEqual({ text: 'ok' });
  });

  test('records who asked what', async () => {
    const log = join(dir, 'audit');
    const ready = await start('--user', 'operator', '--audit-log', log);
    const operator = client(ready, 'operator');
    const agent = { 'user-agent': 'multinic-operator/test' };
    const maps = '/api/v1/namespaces/default/configmaps';
    const watch = await operator.watch(`${maps}?watch=true`, agent);
    await operator.call('POST', maps, { metadata: { name: 'a' } }, agent);
    await operator.call('GET', maps, undefined, agent);
    await operator.call('GET', `${maps}/none`, undefined, agent);
    await operator.call(
      'PATCH',
      '/api/v1/namespaces/default/status',
      {},
      { ...agent, 'content-type': 'application/merge-patch+json' },
    );
    watch.stop();
    const records = readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map((line) => fieldsOf(JSON.parse(line)));
    const base = { user: 'operator', userAgent: 'multinic-operator/test', subresource: '' };
    const map = { ...base, resource: 'configmaps', namespace: 'default' };
    expect(records.map(({ time: _time, ...record }) => record)).toEqual([
      { ...map, verb: 'watch', name: '', code: 200 },
      { ...map, verb: 'create', name: '', code: 201 },
      { ...map, verb: 'list', name: '', code: 200 },
      { ...map, verb: 'get', name: 'none', code: 404 },
      {
        ...base,
        verb: 'patch',
        resource: 'namespaces',
        subresource: 'status',
        namespace: '',
        name: 'default',
        code: 200,
      },
    ]);
    for (const { time } of records) expect(Math.abs(Number(time) - Date.now())).toBeLessThan(60_000);
  });

  test('goes on after SIGSTOP and SIGCONT with its watches, ends on SIGTERM', async () => {
    const ready = await start();
    const admin = client(ready, 'admin');
    const maps = '/api/v1/namespaces/default/configmaps';
    const watch = await admin.watch(`${maps}?watch=true`);
    child?.kill('SIGSTOP');
    const created = admin.post(maps, { metadata: { name: 'later' } });
    let answered = false;
    void created.then(() => (answered = true));
    await sleep(300);
    expect(answered).toBe(false);
    child?.kill('SIGCONT');
    expect((await created).code).toBe(201);
    expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'later' } } });
    const ended = exit();
    child?.kill('SIGTERM');
    expect(await watch.next()).toBeUndefined();
    expect(await ended).toBe(0);
  });

  test('says what is wrong with its options', async () => {
    child = spawn(process.execPath, [main, '--dir', dir, '--listen', 'nowhere'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let text = '';
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    // Closed, and not only ended: all that it said has come.
    const [code] = await once(child, 'close');
    expect(code).not.toBe(0);
    expect(text).toContain('--listen nowhere: must be ADDRESS:PORT');
  });
});
