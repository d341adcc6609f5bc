import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { fieldAt, textOf } from '../../../src/lab/apiserver/object.ts';

/** One request as it left this process. */
export interface Sent {
  /** By the clock that the wire was given, ms. */
  readonly at: number;
  /** What its User-Agent begins with. */
  readonly agent: string;
  readonly method: string;
  /** Without the query; of what is created with its name. */
  readonly path: string;
}

/** Watches every HTTP request of this process's clients, from outside of them: also those that find no server. */
export interface Wire {
  /** Since the start or the last call. */
  take(): Sent[];
  /** Sent, and not answered by so much as a header. */
  readonly waiting: number;
  /** Grows whenever anything happens. */
  readonly events: number;
  close(): void;
}

interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
  readonly body: unknown;
}

/** @param now ms */
export function watchWire(now: () => number): Wire {
  const waiting = new Set<Request>();
  let sent: Sent[] = [];
  let events = 0;
  const on = {
    'undici:request:create': (request: Request) => {
      const { method, headers } = request;
      const agent = headers[headers.indexOf('user-agent') + 1] ?? '';
      sent.push({ at: now(), agent, method, path: pathOf(request) });
      waiting.add(request);
    },
    'undici:request:headers': (request: Request) => waiting.delete(request),
    'undici:request:error': (request: Request) => waiting.delete(request),
    'undici:request:trailers': () => undefined,
    'undici:request:bodyChunkReceived': () => undefined,
  };
  const subscriptions = Object.entries(on).map(([name, handle]) => {
    const listener = (message: unknown): void => {
      events += 1;
      if (isAboutRequest(message)) handle(message.request);
    };
    subscribe(name, listener);
    return () => unsubscribe(name, listener);
  });
  return {
    take: () => sent.splice(0),
    get waiting() {
      return waiting.size;
    },
    get events() {
      return events;
    },
    close: () => {
      for (const end of subscriptions) end();
      sent = [];
    },
  };
}

function pathOf({ method, path, body }: Request): string {
  const [bare = ''] = path.split('?', 1);
  if (method !== 'POST') return bare;
  const text = Buffer.isBuffer(body) ? body.toString() : String(body);
  return `${bare}/${textOf(fieldAt(JSON.parse(text), ['metadata', 'name']))}`;
}

function isAboutRequest(message: unknown): message is { request: Request } {
  return typeof message === 'object' && message !== null && 'request' in message;
}
