import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { wireLimits } from '../../../src/cni/wire.ts';
import { type Served, serveSocket } from '../../../src/daemon/http/serve.ts';

/** A call that the socket handed on, to be answered by the test. */
interface Taken {
  readonly stdin: string;
  readonly gone: AbortSignal;
  readonly answer: (body: string) => void;
}

let folder: string;
let path: string;
let served: Served;
let taken: Taken[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'multinic-http-'));
  path = join(folder, 'run', 'cni.sock');
  taken = [];
  served = await serveSocket(path, {
    cni: (_headers, stdin, gone) =>
      new Promise((resolve) => {
        taken.push({ stdin: stdin.toString(), gone, answer: (body) => resolve({ ok: true, body }) });
      }),
    views: {
      numbers: () => [{ size: 2n ** 80n }],
      broken: () => {
        throw new Error('the store is closed');
      },
    },
  });
});
afterEach(async () => {
  await served.close();
  rmSync(folder, { recursive: true, force: true });
});

function ask(method: string, url: string, body = ''): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: path, method, path: url, agent: false }, (response) => {
      text(response).then((said) => resolve({ status: response.statusCode ?? 0, body: said }), reject);
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

test('a call gets stdin as it is, and its caller the answer', async () => {
  const answer = ask('POST', '/cni', 'no JSON {');
  await expect.poll(() => taken.length, { timeout: 30_000 }).toBe(1);
  expect(taken[0]?.stdin).toBe('no JSON {');
  taken[0]?.answer('{"made":true}');
  expect(await answer).toEqual({ status: 200, body: '{"made":true}' });
  expect(taken[0]?.gone.aborted).toBe(false);
});

test('who goes before the answer is known to have gone', async () => {
  const caller = connect(path);
  caller.write('POST /cni HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}');
  await expect.poll(() => taken.length, { timeout: 30_000 }).toBe(1);
  caller.destroy();
  await expect.poll(() => taken[0]?.gone.aborted, { timeout: 30_000 }).toBe(true);
  taken[0]?.answer('');
});

test('a call in flight is answered when the socket closes; a later one finds nobody', async () => {
  const answer = ask('POST', '/cni', '{}');
  await expect.poll(() => taken.length, { timeout: 30_000 }).toBe(1);
  const closed = served.close();
  await expect(ask('POST', '/cni', '{}')).rejects.toThrow(/ENOENT|ECONNREFUSED/);
  taken[0]?.answer('{"last":true}');
  expect(await answer).toEqual({ status: 200, body: '{"last":true}' });
  await closed;
  expect(taken).toHaveLength(1);
});

test('a view is JSON, whatever its numbers; what is not served says what is', async () => {
  expect(JSON.parse((await ask('GET', '/v1/numbers')).body)).toEqual([{ size: String(2n ** 80n) }]);
  for (const [method, url] of [
    ['GET', '/cni'],
    ['POST', '/v1/numbers'],
    ['GET', '/'],
  ] as const) {
    const { status, body } = await ask(method, url);
    expect(status).toBe(404);
    expect(JSON.parse(body)).toEqual({ message: 'there are POST /cni and GET /v1/numbers, /v1/broken' });
  }
  const broken = await ask('GET', '/v1/broken');
  expect(broken.status).toBe(500);
  expect(JSON.parse(broken.body)).toEqual({ message: 'the store is closed' });
});

test('more than a shim sends is refused, and reaches nobody', async () => {
  const { status } = await ask('POST', '/cni', 'x'.repeat(wireLimits.body + 1));
  expect(status).toBe(413);
  const answer = ask('POST', '/cni', 'x'.repeat(wireLimits.body));
  await expect.poll(() => taken.length, { timeout: 30_000 }).toBe(1);
  taken[0]?.answer('{}');
  expect((await answer).status).toBe(200);
});
