import Fastify, { type FastifyInstance } from 'fastify';
import type { DaemonMetrics } from '../../observe/metrics.ts';
import type { Readiness } from '../../observe/readiness.ts';

/** The read-only port: nothing here changes anything or tells of pods. */
export function healthApp(readiness: Readiness, metrics: DaemonMetrics): FastifyInstance {
  const app = Fastify({ forceCloseConnections: true });
  app.get('/healthz', async () => 'ok');
  app.get('/readyz', async (_request, reply) => {
    const reason = readiness.reason();
    return reply.code(reason === undefined ? 200 : 503).send(reason ?? 'ok');
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  return app;
}
