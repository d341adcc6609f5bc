import Fastify, { type FastifyInstance } from 'fastify';
import type { Readiness } from './readiness.ts';

/** Metrics as Prometheus reads them. */
export interface Exposition {
  readonly contentType: string;
  text(): Promise<string>;
}

/** A port that is listened on. */
export interface Listening {
  /** Where, or `off`. */
  readonly at: string;
  close(): Promise<void>;
}

/** Nothing is sent to it but a request line and headers: who takes longer, or sends more, is cut off. */
const requestTimeoutMs = 10_000;
const bodyLimit = 1_024;

/** The read-only port: nothing here changes anything or tells of pods. */
function healthApp(readiness: Readiness, metrics: Exposition): FastifyInstance {
  const app = Fastify({ forceCloseConnections: true, requestTimeout: requestTimeoutMs, bodyLimit });
  app.get('/healthz', async () => 'ok');
  app.get('/readyz', async (_request, reply) => {
    const reason = readiness.reason();
    return reply.code(reason === undefined ? 200 : 503).send(reason ?? 'ok');
  });
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()));
  return app;
}

/**
 * Serves /healthz, /readyz and /metrics.
 * @param listen address:port (`127.0.0.1:11000`, `[::1]:11000`), or `off`
 * @throws Error when that is no address, or is taken
 */
export async function serveHealth(listen: string, readiness: Readiness, metrics: Exposition): Promise<Listening> {
  if (listen === 'off') return { at: 'off', close: async () => {} };
  const colon = listen.lastIndexOf(':');
  const port = Number(listen.slice(colon + 1));
  if (colon < 0 || colon === listen.length - 1 || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`--health-listen "${listen}": write address:port (127.0.0.1:11000) or off`);
  }
  const app = healthApp(readiness, metrics);
  // Brackets go around IPv4 too where a manifest cannot know the family: [$(POD_IP)]:11000.
  const at = await app.listen({ host: listen.slice(0, colon).replace(/^\[|\]$/g, ''), port });
  return { at, close: () => app.close().then(() => undefined) };
}
