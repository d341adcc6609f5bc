import { CniError, code } from '../api/cni-error.ts';
import { describe, quote } from './fields.ts';
import { formatStamp, parseStamp } from './stamp.ts';
import type { RawCall } from './types.ts';

/** What the shim refuses to send more of, bytes; the daemon's server must accept as much (Node's default for headers is 16 KiB). */
export const wireLimits = { headers: 128 * 1024, body: 1024 * 1024 } as const;

/** A call as it travels from the shim to the daemon, over the socket or through the spool. */
export interface WireCall extends RawCall {
  /** Name under which the shim was called: multi-nic or multi-nic-ipam. */
  readonly program: string;
  /** The shim stops waiting after so many ms; absent in spooled calls. */
  readonly timeoutMs?: number;
}

/** Headers by lower-case name, as Node's http gives them. */
export type WireHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

const variable = /^CNI_[A-Z0-9_]+$/;
const header = /^cni-[a-z0-9-]+$/;

/**
 * Encodes a call as the shim does: each CNI_* variable as a percent-encoded header (`CNI_NETNS` is `cni-netns`), stdin as
 * the body.
 */
export function encodeCall(call: WireCall): { readonly headers: Record<string, string>; readonly body: Uint8Array } {
  const headers: Record<string, string> = {
    'multinic-stamp': formatStamp(call.stamp),
    'multinic-program': encodeText(call.program),
  };
  if (call.timeoutMs !== undefined) headers['multinic-timeout-ms'] = String(call.timeoutMs);
  for (const [name, value] of Object.entries(call.environment)) {
    if (variable.test(name)) headers[name.toLowerCase().replaceAll('_', '-')] = encodeText(value);
  }
  return { headers, body: new TextEncoder().encode(call.stdin) };
}

/**
 * Decodes a call. Bytes that are not UTF-8 become U+FFFD, as in Go's JSON decoder.
 * @throws CniError 4 when the stamp or an encoding is wrong, which the shim never sends
 */
export function decodeCall(headers: WireHeaders, body: Uint8Array | string): WireCall {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (header.test(name)) environment[name.toUpperCase().replaceAll('-', '_')] = decodeHeader(name, value);
  }
  const stampText = headers['multinic-stamp'];
  const stamp = typeof stampText === 'string' ? parseStamp(stampText) : undefined;
  if (stamp === undefined) throw wrong(`multinic-stamp is ${describe(stampText)}, not <boot id>/<ns>`);
  const timeout = headers['multinic-timeout-ms'];
  return {
    environment,
    stdin: typeof body === 'string' ? body : utf8(body),
    stamp,
    program: decodeHeader('multinic-program', headers['multinic-program'] ?? 'multi-nic'),
    ...(typeof timeout === 'string' && /^\d{1,9}$/.test(timeout) ? { timeoutMs: Number(timeout) } : {}),
  };
}

/** Reads a spooled call: the bytes of the HTTP request that the shim would have sent. @throws CniError 4 or 6 */
export function decodeRequest(bytes: Uint8Array): WireCall {
  const end = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf('\r\n\r\n');
  if (end < 0) throw new CniError(code.decode, 'no end of the HTTP header found');
  const [requestLine, ...lines] = utf8(bytes.subarray(0, end)).split('\r\n');
  if (requestLine !== 'POST /cni HTTP/1.1') {
    throw new CniError(code.decode, `request line is ${describe(requestLine)}, not "POST /cni HTTP/1.1"`);
  }
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon <= 0) throw new CniError(code.decode, `header line ${quote(line)} has no name`);
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const body = bytes.subarray(end + 4);
  if (headers['content-length'] !== String(body.length)) {
    throw new CniError(
      code.decode,
      `content-length is ${describe(headers['content-length'])}, but ${body.length} bytes follow`,
    );
  }
  return decodeCall(headers, body);
}

/** Percent-encodes the UTF-8 bytes of everything but what is harmless in a header. */
function encodeText(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9._~/;=,:-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
}

function decodeHeader(name: string, value: string | readonly string[] | undefined): string {
  if (typeof value !== 'string') throw wrong(`${name} came more than once`);
  if (/%(?![0-9A-Fa-f]{2})|[^\x20-\x7e]/.test(value)) throw wrong(`${name} ${quote(value)} is not percent-encoded`);
  if (!value.includes('%')) return value;
  const bytes: number[] = [];
  for (let at = 0; at < value.length; at++) {
    if (value[at] !== '%') bytes.push(value.charCodeAt(at));
    else {
      bytes.push(Number.parseInt(value.slice(at + 1, at + 3), 16));
      at += 2;
    }
  }
  return utf8(Uint8Array.from(bytes));
}

/** A byte order mark is kept: JSON does not allow one, and it is not ours to take away. */
function utf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

function wrong(message: string): CniError {
  return new CniError(code.invalidEnvironment, `request of the shim: ${message}`);
}
