import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { decodeCall, decodeRequest, wireLimits } from '../../../src/cni/wire.ts';
import { buildShim, type Ended, removeScratch, ShimHost, scratch } from './host.ts';

const environment = (verb: string) => ({
  CNI_COMMAND: verb,
  CNI_CONTAINERID: 'c0ffee',
  CNI_NETNS: '/run/netns/a pod',
  CNI_IFNAME: 'net1',
  CNI_PATH: '/opt/cni/bin:/usr/lib/cni',
  CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAME=p%41;X=ä\n\t"',
});
const config =
  '{"prevResult":{"cniVersion":"9.9.9"},"x":"\\"cniVersion\\"","name":"multi-net", "cniVersion" : "0.4.0"}';
const limits = ['ADD_WAIT_MS=400', 'ADD_TOTAL_MS=1200', 'DEL_ANSWER_MS=400', 'STATUS_ANSWER_MS=400', 'CONNECT_MS=400'];

let shim: string;
/** With short time limits. */
let hasty: string;
let host: ShimHost;

beforeAll(() => {
  shim = buildShim();
  hasty = buildShim(...limits.map((limit) => `-D${limit}`));
});
afterAll(removeScratch);
beforeEach(async () => {
  host = await ShimHost.start();
});
afterEach(() => host.stop());

/** An error object as a runtime reads it, with the exit status that goes with it. */
function errorOf(ended: Ended): Record<string, unknown> {
  expect(ended.status).toBe(1);
  const error: unknown = JSON.parse(ended.stdout);
  expect(error).toMatchObject({ cniVersion: expect.any(String), code: expect.any(Number), msg: expect.any(String) });
  return Object.fromEntries(Object.entries(error ?? {}));
}

function refuse(response: ServerResponse, status: number, body: string): void {
  response.statusCode = status;
  response.end(body);
}

describe('the binary', () => {
  it('is static and smaller than 1 MB', async () => {
    expect(statSync(shim).size).toBeLessThan(1_000_000);
    // In a root directory with nothing else in it, only a static program starts.
    const folder = scratch();
    copyFileSync(shim, join(folder, 'multi-nic'));
    const ended = await host.run(['/usr/sbin/chroot', folder, '/multi-nic'], { CNI_COMMAND: 'VERSION' });
    expect(ended).toMatchObject({ status: 0, stderr: '' });
  });

  it.each([{}, { CNI_COMMAND: '' }])('tells about itself on stderr when there is no command: %j', async (variables) => {
    const ended = await host.run([shim], variables);
    expect(ended).toMatchObject({ status: 0, stdout: '' });
    expect(ended.stderr).toMatch(/CNI.*0\.3\.0, 0\.3\.1, 0\.4\.0, 1\.0\.0, 1\.1\.0/s);
  });

  it('answers VERSION with empty stdin and no other variable', async () => {
    const ended = await host.run([shim], { CNI_COMMAND: 'VERSION' });
    expect(ended).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(ended.stdout)).toEqual({
      cniVersion: '1.1.0',
      supportedVersions: ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'],
    });
  });
});

describe('a call', () => {
  it.each(['ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'FROB'])(
    '%s arrives verbatim and its answer leaves verbatim',
    async (verb) => {
      const body = Buffer.from(Array.from({ length: 1024 }, (_, index) => (index * 7) % 256));
      const daemon = await host.daemon((_seen, response) => response.end('{"any":"ä"}\n'));
      const ended = await host.run(
        [shim],
        { ...environment(verb), CNI_NETNS_OVERRIDE: '', PATH: '/bin', CNI_lower: 'x' },
        body,
      );
      expect(ended).toEqual({ status: 0, stdout: '{"any":"ä"}\n', stderr: '' });
      const [seen] = daemon.seen;
      expect(seen?.body.equals(body)).toBe(true);
      const call = decodeCall(seen?.headers ?? {}, '');
      expect(call.environment).toEqual({ ...environment(verb), CNI_NETNS_OVERRIDE: '' });
      expect(call.program).toBe('multi-nic');
      expect(call.stamp.bootId).toBe(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
      expect(call.timeoutMs).toBeGreaterThan(0);
      expect(seen?.headers).toMatchObject({ connection: 'close', host: 'multinic' });
    },
  );

  it('carries bytes that are no text', async () => {
    const daemon = await host.daemon();
    const script = `CNI_ARGS=$(printf 'a\\377\\001\\200b') exec ${shim}`;
    await host.run(['/bin/sh', '-c', script], { CNI_COMMAND: 'ADD' });
    expect(daemon.seen[0]?.headers['cni-args']).toBe('a%FF%01%80b');
  });

  it('carries the largest config and environment, and refuses what is larger', async () => {
    const daemon = await host.daemon((seen, response) => response.end(seen.body));
    const largest = `{"cniVersion":"1.0.0","x":"${'y'.repeat(wireLimits.body - 30)}"}`.padEnd(wireLimits.body);
    const ended = await host.run([shim], { ...environment('ADD'), CNI_ARGS: '%'.repeat(30_000) }, largest);
    expect(ended.status).toBe(0);
    expect(ended.stdout === largest).toBe(true);
    expect(decodeCall(daemon.seen[0]?.headers ?? {}, '').environment['CNI_ARGS']).toHaveLength(30_000);

    const large = errorOf(await host.run([shim], environment('ADD'), `${largest} `));
    expect(large).toMatchObject({ code: 5, msg: expect.stringMatching('1048576') });
    const wide = errorOf(await host.run([shim], { ...environment('ADD'), CNI_ARGS: '%'.repeat(100_000) }, config));
    expect(wide).toMatchObject({ code: 4, cniVersion: '0.4.0' });
    expect(daemon.seen).toHaveLength(1);
  });

  it('is stamped in the order of starts', async () => {
    const daemon = await host.daemon();
    for (const verb of ['ADD', 'DEL', 'ADD']) await host.run([shim], environment(verb), config);
    const stamps = daemon.seen.map(({ headers }) => decodeCall(headers, '').stamp.ns);
    expect(stamps).toEqual([...new Set(stamps)].sort((a, b) => (a < b ? -1 : 1)));
    expect(stamps).toHaveLength(3);
  });

  it('says under which name the program was called', async () => {
    const daemon = await host.daemon();
    const other = join(scratch(), 'multi-nic-ipam');
    copyFileSync(shim, other);
    await host.run([other], environment('ADD'), config);
    expect(decodeCall(daemon.seen[0]?.headers ?? {}, '').program).toBe('multi-nic-ipam');
  });

  it('that the daemon refuses prints the error object and fails', async () => {
    const object = '{"cniVersion":"0.4.0","code":101,"msg":"no"}';
    await host.daemon((_seen, response) => refuse(response, 500, object));
    expect(await host.run([shim], environment('DEL'), config)).toEqual({ status: 1, stdout: object, stderr: '' });
  });

  it.each([
    ['', 500],
    ['oops', 500],
    ['{"statusCode":400,"code":"FST_ERR"}', 400],
  ])('that a server refuses by itself with %j becomes code 999', async (body, status) => {
    await host.daemon((_seen, response) => refuse(response, status, body));
    expect(errorOf(await host.run([shim], environment('ADD'), config))).toMatchObject({
      code: 999,
      cniVersion: '0.4.0',
    });
  });

  it('that a server refuses before anyone sees it, without a length, becomes code 999', async () => {
    await host.daemon((_seen, response) =>
      response.socket?.end('HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n'),
    );
    const error = errorOf(await host.run([shim], environment('DEL'), config));
    expect(error).toMatchObject({ code: 999, msg: expect.stringMatching('431') });
  });

  it.each(['2>&-', '2>/dev/full', '</dev/null 2>&-'])('does not mind %s', async (redirection) => {
    await host.daemon((_seen, response) => response.end('{}'));
    const ended = await host.run(['/bin/sh', '-c', `exec ${shim} ${redirection}`], environment('ADD'), config);
    expect(ended).toMatchObject({ status: 0, stdout: '{}' });
  });

  it('keeps a DEL even with a closed stderr', async () => {
    expect(await host.run(['/bin/sh', '-c', `exec ${shim} 2>&-`], environment('DEL'), config)).toMatchObject({
      status: 0,
      stdout: '',
    });
    expect(await host.spool()).toHaveLength(1);
  });

  it('with a closed stdin is refused, with a closed stdout fails', async () => {
    const daemon = await host.daemon((_seen, response) => response.end('{}'));
    const ended = await host.run(['/bin/sh', '-c', `exec ${shim} <&-`], environment('ADD'));
    expect(errorOf(ended)).toMatchObject({ code: 5, msg: expect.stringMatching('stdin') });
    expect(daemon.seen).toHaveLength(0);
    expect(await host.run(['/bin/sh', '-c', `exec ${shim} >&-`], environment('ADD'), config)).toMatchObject({
      status: 1,
    });
  });

  it('reads stdin from a file and works in a folder that is gone', async () => {
    const daemon = await host.daemon();
    const folder = scratch();
    writeFileSync(join(folder, 'config'), config);
    mkdirSync(join(folder, 'gone'));
    const script = `cd ${folder}/gone && /bin/rmdir ${folder}/gone && exec ${shim} <${folder}/config`;
    expect(await host.run(['/bin/sh', '-c', script], environment('ADD'))).toMatchObject({ status: 0 });
    expect(daemon.seen[0]?.body.toString()).toBe(config);
  });
});

describe('without a daemon', () => {
  it.each([
    ['CHECK', 11],
    ['GC', 11],
    ['FROB', 11],
    ['STATUS', 50],
  ])('%s fails with code %i and says what is missing', async (verb, code) => {
    const error = errorOf(await host.run([shim], environment(verb), config));
    expect(error).toMatchObject({ code, cniVersion: '0.4.0' });
    expect(error['msg']).toMatch(/c0ffee.*net1.*\/run\/multinic\/cni\.sock: No such file/);
  });

  it('names the version of the config in its errors, else the newest', async () => {
    const versionFor = async (stdin: string) =>
      errorOf(await host.run([shim], environment('STATUS'), stdin))['cniVersion'];
    expect(await versionFor('{"cniVersion":"9.9.9"}')).toBe('9.9.9');
    for (const stdin of [
      '',
      '{"cniVersion"',
      '{"cniVersion":',
      '{"cniVersion":"',
      '{"a":{"cniVersion":"0.3.1"}}',
      '"\\',
      '{"cniVersion":"1\\"x"}',
    ]) {
      expect(await versionFor(stdin)).toBe('1.1.0');
    }
  });

  it('DEL succeeds and is on disk, as the request that it would have been', async () => {
    const odd = Buffer.from([...Buffer.from(config), 0, 255, 13, 10, 13, 10]);
    const ended = await host.run([shim], environment('DEL'), odd);
    expect(ended).toMatchObject({ status: 0, stdout: '', stderr: expect.stringMatching('spool') });
    const [entry, ...others] = await host.spool();
    expect(others).toEqual([]);
    const call = decodeRequest(entry?.bytes ?? Buffer.of());
    expect(call).toMatchObject({ environment: environment('DEL'), program: 'multi-nic' });
    expect(call.timeoutMs).toBeUndefined();
    expect(entry?.name).toMatch(new RegExp(`^${String(call.stamp.ns).padStart(20, '0')}-${call.stamp.bootId}-\\d+$`));
    expect(entry?.bytes.subarray(-odd.length).equals(odd)).toBe(true);
    expect(statSync(host.path('/var/lib/multinic/spool')).mode & 0o777).toBe(0o700);
    expect(statSync(host.path(`/var/lib/multinic/spool/${entry?.name}`)).mode & 0o777).toBe(0o600);
  });

  it('twenty DELs at once are twenty entries', async () => {
    const ended = await Promise.all(Array.from({ length: 20 }, () => host.run([shim], environment('DEL'), config)));
    expect(ended.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 0));
    expect(await host.spool()).toHaveLength(20);
  });

  it('DEL fails when the spool is read-only', async () => {
    await host.run(['/bin/mount', '-o', 'remount,ro', '/var/lib']);
    const error = errorOf(await host.run([shim], environment('DEL'), config));
    expect(error).toMatchObject({
      code: 5,
      cniVersion: '0.4.0',
      msg: expect.stringMatching(/c0ffee.*net1.*spool.*Read-only/),
    });
  });

  it('DEL fails when the disk is full, and leaves nothing half', async () => {
    mkdirSync(host.path('/var/lib/multinic'));
    await host.run(['/bin/mount', '-t', 'tmpfs', '-o', 'size=32k', 'none', '/var/lib/multinic']);
    const error = errorOf(await host.run([shim], environment('DEL'), `{"x":"${'y'.repeat(100_000)}"}`));
    expect(error).toMatchObject({ code: 5, msg: expect.stringMatching(/No space left/) });
    expect(await host.spool()).toEqual([]);
  });

  it('DEL fails when the spool is a file', async () => {
    mkdirSync(host.path('/var/lib/multinic'));
    writeFileSync(host.path('/var/lib/multinic/spool'), '');
    expect(errorOf(await host.run([shim], environment('DEL'), config))).toMatchObject({ code: 5 });
  });

  it('a socket that a killed daemon left behind is no daemon', async () => {
    const child = spawn(process.execPath, [
      '-e',
      'require("net").createServer().listen(process.argv[1], () => console.log("up"))',
      host.path('/run/multinic/cni.sock'),
    ]);
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const error = errorOf(await host.run([shim], environment('CHECK'), config));
    expect(error).toMatchObject({ code: 11, msg: expect.stringMatching('Connection refused') });
  });

  it('ADD gives up after its wait with code 11', async () => {
    expect(errorOf(await host.run([hasty], environment('ADD'), config))).toMatchObject({
      code: 11,
      cniVersion: '0.4.0',
    });
    expect(await host.spool()).toEqual([]);
  });

  it('ADD waits for one that starts', async () => {
    const ended = host.run([shim], environment('ADD'), config);
    await sleep(400);
    await host.daemon((_seen, response) => response.end('{"late":true}'));
    expect(await ended).toMatchObject({ status: 0, stdout: '{"late":true}' });
  });
});

describe('a daemon that goes away in the middle', () => {
  it('of an ADD is asked again when it is back, with the same stamp', async () => {
    const first = await host.daemon(() => first.close());
    const ended = host.run([shim], environment('ADD'), config);
    await expect.poll(() => first.seen.length).toBe(1);
    await sleep(200);
    const second = await host.daemon((_seen, response) => response.end('{"second":true}'));
    expect(await ended).toMatchObject({ status: 0, stdout: '{"second":true}' });
    const stamps = [...first.seen, ...second.seen].map(({ headers }) => headers['multinic-stamp']);
    expect(stamps).toHaveLength(2);
    expect(stamps[0]).toBe(stamps[1]);
  });

  it('of its answer to ADD is asked again: half an answer is none', async () => {
    const daemon = await host.daemon((_seen, response, count) => {
      if (count > 1) return response.end('{"whole":true}');
      response.writeHead(200, { 'content-length': 1000 });
      response.write('{"half":');
      return setTimeout(() => response.destroy(), 50);
    });
    expect(await host.run([shim], environment('ADD'), config)).toMatchObject({ status: 0, stdout: '{"whole":true}' });
    expect(daemon.seen).toHaveLength(2);
  });

  it('and says 503 by itself is asked again by ADD, as one that is away', async () => {
    const closing = '{"error":"Service Unavailable","message":"Service Unavailable","statusCode":503}';
    await host.daemon((_seen, response, count) => (count > 2 ? response.end('{}') : refuse(response, 503, closing)));
    expect(await host.run([shim], environment('ADD'), config)).toMatchObject({ status: 0, stdout: '{}' });
  });

  it.each([
    ['CHECK', 11],
    ['GC', 11],
    ['STATUS', 50],
  ])('of %s is code %i', async (verb, code) => {
    const daemon = await host.daemon(() => daemon.close());
    expect(errorOf(await host.run([shim], environment(verb), config))).toMatchObject({ code });
  });

  it('of a DEL has the DEL kept', async () => {
    const daemon = await host.daemon(() => daemon.close());
    expect(await host.run([shim], environment('DEL'), config)).toMatchObject({ status: 0, stdout: '' });
    const [entry] = await host.spool();
    expect(decodeRequest(entry?.bytes ?? Buffer.of()).stamp).toEqual(
      decodeCall(daemon.seen[0]?.headers ?? {}, '').stamp,
    );
  });
});

describe('a daemon that does not answer', () => {
  it.each([
    ['ADD', 11],
    ['CHECK', 11],
    ['GC', 11],
    ['STATUS', 50],
  ])('%s ends in time with code %i', async (verb, code) => {
    await host.daemon(() => {});
    const error = errorOf(await host.run([hasty], environment(verb), config));
    expect(error).toMatchObject({ code, msg: expect.stringMatching('no answer came in time') });
  });

  it('DEL is kept', async () => {
    await host.daemon(() => {});
    expect(await host.run([hasty], environment('DEL'), config)).toMatchObject({ status: 0 });
    expect(await host.spool()).toHaveLength(1);
  });

  it('nor takes connections: DEL is kept, CHECK fails', async () => {
    const path = host.path('/run/multinic/cni.sock');
    const script =
      'require("net").createServer().listen({ path: process.argv[1], backlog: 1 }, () => console.log("up"))';
    const child = spawn(process.execPath, ['-e', script, path]);
    await once(child.stdout, 'data');
    child.kill('SIGSTOP');
    const clients = Array.from({ length: 8 }, () => createConnection(path).on('error', () => {}));
    try {
      await expect.poll(() => clients.filter((client) => client.destroyed).length).toBeGreaterThan(0);
      const error = errorOf(await host.run([hasty], environment('CHECK'), config));
      expect(error).toMatchObject({ code: 11, msg: expect.stringMatching('temporarily unavailable') });
      expect(await host.run([hasty], environment('DEL'), config)).toMatchObject({ status: 0 });
      expect(await host.spool()).toHaveLength(1);
    } finally {
      for (const client of clients) client.destroy();
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });

  it('speaks something else: an error, not rubbish on stdout', async () => {
    const child = spawn(process.execPath, [
      '-e',
      'require("net").createServer((s) => s.on("error", () => {}).end("SSH-2.0-x\\r\\n\\r\\n")).listen(process.argv[1], () => console.log("up"))',
      host.path('/run/multinic/cni.sock'),
    ]);
    await once(child.stdout, 'data');
    try {
      const error = errorOf(await host.run([shim], environment('ADD'), config));
      expect(error).toMatchObject({ code: 11, msg: expect.stringMatching('not the HTTP') });
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });

  it('may be one that this user must not ask', async () => {
    await host.daemon();
    const copy = join(scratch(), 'multi-nic');
    copyFileSync(shim, copy);
    chmodSync(join(copy, '..'), 0o755);
    const ended = await host.run(
      ['/usr/bin/setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', copy],
      environment('ADD'),
      config,
    );
    expect(errorOf(ended)).toMatchObject({ code: 11, msg: expect.stringMatching('Permission denied') });
  });
});
