import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readiness } from './readiness.ts';

/** Metrics as Prometheus reads them. */
export interface Exposition {
  readonly contentType: string;
  text(): Promise<string>;
}

/** A port that is listened on. */
export interface Listening {
  /** Such as http://127.0.0.1:8080, or `off`. */
  readonly at: string;
  close(): Promise<void>;
}

interface Answer {
  readonly code: number;
  readonly body: string;
  readonly type?: string;
}

/** Nothing is sent to it but a request line and headers: who takes longer, or sends more, is cut off. */
const limits = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 8_192,
};

/**
 * Serves /healthz, /readyz and /metrics; nothing there changes anything or tells of pods.
 * @param listen address:port (`127.0.0.1:11000`, `[::1]:11000`), or `off`
 * @throws Error when that is no address, or is taken
 */
export async function serveHealth(listen: string, readiness: Readiness, metrics: Exposition): Promise<Listening> {
  if (listen === 'off') return { at: 'off', close: async () => {} };
  const { host, port } = addressOf(listen);
  const server = createServer(limits, (request, response) => {
    const path = request.method === 'GET' ? (request.url ?? '').split('?')[0] : undefined;
    void answerTo(path, readiness, metrics).then(({ code, body, type = 'text/plain; charset=utf-8' }) => {
      response.writeHead(code, { 'content-type': type, 'x-content-type-options': 'nosniff' }).end(body);
      // A body that nobody asked for is not read.
      if (path === undefined) response.once('finish', () => request.destroy());
    });
  });
  server.listen({ host, port });
  await once(server, 'listening');
  return { at: urlOf(server), close: () => close(server) };
}

async function answerTo(path: string | undefined, readiness: Readiness, metrics: Exposition): Promise<Answer> {
  const reason = readiness.reason();
  switch (path) {
    case '/healthz':
      return { code: 200, body: 'ok' };
    case '/readyz':
      return reason === undefined ? { code: 200, body: 'ok' } : { code: 503, body: reason };
    case '/metrics':
      try {
        return { code: 200, body: await metrics.text(), type: metrics.contentType };
      } catch (error) {
        return { code: 500, body: String(error) };
      }
    default:
      return { code: 404, body: 'there are /healthz, /readyz and /metrics' };
  }
}

/** Brackets go around IPv4 too where a manifest cannot know the family: [$(POD_IP)]:11000. */
function addressOf(listen: string): { readonly host: string; readonly port: number } {
  const [, host = '', digits = ''] = /^(.+):(\d{1,5})$/.exec(listen) ?? [];
  const port = Number(digits);
  if (host === '' || port > 65_535) {
    throw new Error(`--health-listen "${listen}": write address:port (127.0.0.1:11000) or off`);
  }
  return { host: host.replace(/^\[|\]$/g, ''), port };
}

function urlOf(server: Server): string {
  const bound: AddressInfo | string | null = server.address();
  if (bound === null || typeof bound === 'string') return 'nowhere';
  return `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
