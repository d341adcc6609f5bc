import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDevicesOf } from '../../../src/daemon/devices/pod-devices.ts';
import { listPodResources } from '../../../src/daemon/devices/pod-resources.ts';

/** kubelet's own bytes (see test/unit/daemon/devices.test.ts), framed as gRPC does. */
const message = Buffer.from(
  readFileSync(new URL('../../data/pod-resources/list.hex', import.meta.url), 'utf8').trim(),
  'hex',
);
const frame = (body: Buffer, compressed = 0): Buffer => {
  const prefix = Buffer.from([compressed, 0, 0, 0, 0]);
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
};
const headers = { ':status': 200, 'content-type': 'application/grpc' };

let folder: string;
let socket: string;
let server: Http2Server;
let answer: (stream: ServerHttp2Stream) => void;
let asked: { path: unknown; type: unknown; te: unknown; body: string }[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'multinic-kubelet-'));
  socket = join(folder, 'kubelet.sock');
  asked = [];
  server = createServer();
  server.on('stream', (stream: ServerHttp2Stream, request) => {
    const chunks: Buffer[] = [];
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const body = Buffer.concat(chunks).toString('hex');
      asked.push({ path: request[':path'], type: request['content-type'], te: request['te'], body });
      answer(stream);
    });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
});
afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Headers, the chunks, then the trailers. */
function say(stream: ServerHttp2Stream, chunks: readonly Buffer[], trailers: Record<string, string>): void {
  stream.respond(headers, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
}

test('a pod gets all devices of its containers; one that kubelet does not know has none', async () => {
  // In three pieces, cut inside of the prefix too.
  const whole = frame(message);
  answer = (stream) =>
    say(stream, [whole.subarray(0, 3), whole.subarray(3, 90), whole.subarray(90)], { 'grpc-status': '0' });
  const devicesOf = createDevicesOf(socket);
  expect((await devicesOf({ namespace: 'team-a', name: 'worker', uid: 'u' })).map(({ id }) => id)).toEqual([
    '0000:3b:02.1',
    'GPU-8a2f1c',
    '0000:5e:02.0',
    '0000:3b:02.3',
  ]);
  expect(await devicesOf({ namespace: 'default', name: 'worker', uid: 'u' })).toEqual([]);
  expect(asked[0]).toEqual({
    path: '/v1.PodResourcesLister/List',
    type: 'application/grpc',
    te: 'trailers',
    body: '0000000000',
  });
});

test.each<[string, (stream: ServerHttp2Stream) => void, string]>([
  [
    'says why not, without a message',
    (stream) => {
      stream.respond(
        { ...headers, 'grpc-status': '8', 'grpc-message': 'rejected by rate limit %C3%A4' },
        { endStream: true },
      );
    },
    'failed with gRPC status 8: rejected by rate limit ä',
  ],
  ['fails after the message', (stream) => say(stream, [frame(message)], { 'grpc-status': '13' }), 'gRPC status 13'],
  ['speaks plain HTTP', (stream) => stream.respond({ ':status': 404 }, { endStream: true }), 'unknown (HTTP 404)'],
  ['ends without trailers', (stream) => say(stream, [frame(message)], {}), 'unknown (no trailers)'],
  [
    'sends half a message',
    (stream) => say(stream, [frame(message).subarray(0, 100)], { 'grpc-status': '0' }),
    '95 bytes came',
  ],
  ['sends nothing', (stream) => say(stream, [], { 'grpc-status': '0' }), 'without a message'],
  ['compresses', (stream) => say(stream, [frame(message, 1)], { 'grpc-status': '0' }), 'answered compressed'],
  ['resets the stream', (stream) => stream.close(2), 'INTERNAL_ERROR'],
  ['cuts the connection', (stream) => stream.session?.destroy(), 'closed'],
  ['does not answer', () => {}, 'no answer within 300 ms'],
])('a kubelet that %s is told of', async (_, how, text) => {
  answer = how;
  // Only of one that does not answer the time shall be over.
  const limitMs = text.includes('300 ms') ? 300 : 30_000;
  await expect(listPodResources(socket, limitMs)).rejects.toThrow(text);
});

test('a socket that is not there is named', async () => {
  const gone = join(folder, 'gone.sock');
  await expect(createDevicesOf(gone)({ namespace: 'a', name: 'b', uid: '' })).rejects.toThrow(
    `kubelet does not say at ${gone} which devices pods have: connect ENOENT`,
  );
});
