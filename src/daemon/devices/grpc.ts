import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import { connect as connectSocket } from 'node:net';

/** More than any node says of its pods; Multus takes as much. */
const maxBytes = 16 * 1024 * 1024;

/** Length-prefixed message of gRPC over HTTP/2: a byte for compression, four for the length. */
const prefixBytes = 5;

/**
 * One unary gRPC call without compression and without TLS, over a unix socket.
 * @param method `/v1.PodResourcesLister/List`
 * @param message protobuf, as the answer is
 * @throws Error when nobody listens, the answer does not come in time or is not one, with the server's own words where it has any
 */
export async function unaryCall(
  socket: string,
  method: string,
  message: Uint8Array,
  timeoutMs: number,
): Promise<Uint8Array> {
  const signal = AbortSignal.timeout(timeoutMs);
  const session = connect('http://localhost', { createConnection: () => connectSocket(socket) });
  try {
    return await Promise.race([call(session, method, message, timeoutMs), failed(session), late(signal, timeoutMs)]);
  } finally {
    session.destroy();
  }
}

async function failed(session: ClientHttp2Session): Promise<never> {
  return new Promise((_, reject) => {
    session.once('error', reject);
    session.once('close', () => reject(new Error('the connection was closed before the answer')));
  });
}

async function late(signal: AbortSignal, timeoutMs: number): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error(`no answer within ${timeoutMs} ms`)), { once: true });
  });
}

async function call(
  session: ClientHttp2Session,
  method: string,
  message: Uint8Array,
  timeoutMs: number,
): Promise<Uint8Array> {
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: method,
    [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
    [constants.HTTP2_HEADER_TE]: 'trailers',
    'grpc-timeout': `${timeoutMs}m`,
  });
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([prefix, message]));
  const said = outcomeOf(stream);
  const body = await bytesOf(stream);
  const { status, text } = said();
  if (status !== '0') throw new Error(`${method} failed with gRPC status ${status}${text === '' ? '' : `: ${text}`}`);
  return unwrap(method, body);
}

/** grpc-status stands in the trailers, or, where there is no message, in the headers. */
function outcomeOf(stream: ClientHttp2Stream): () => { readonly status: string; readonly text: string } {
  let status: string | undefined;
  let text = '';
  const take = (headers: IncomingHttpHeaders & { readonly ':status'?: number }): void => {
    const { 'grpc-status': code, 'grpc-message': message, ':status': http } = headers;
    if (typeof code === 'string') status = code;
    else if (http !== undefined && http !== 200) status = `unknown (HTTP ${http})`;
    if (typeof message === 'string') text = decode(message);
  };
  stream.once('response', take);
  stream.once('trailers', take);
  return () => ({ status: status ?? 'unknown (no trailers)', text });
}

/** grpc-message is percent-encoded. */
function decode(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

async function bytesOf(stream: ClientHttp2Stream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) continue;
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxBytes + prefixBytes) throw new Error(`the answer is larger than ${maxBytes} bytes`);
  }
  return Buffer.concat(chunks);
}

function unwrap(method: string, body: Buffer): Uint8Array {
  if (body.length < prefixBytes) throw new Error(`${method} answered without a message`);
  if (body[0] !== 0) throw new Error(`${method} answered compressed, which was not asked for`);
  const message = body.subarray(prefixBytes);
  if (body.readUInt32BE(1) === message.length) return message;
  throw new Error(`${method} announced a message of ${body.readUInt32BE(1)} bytes, and ${message.length} bytes came`);
}
