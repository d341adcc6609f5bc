import Fastify, { type FastifyInstance } from 'fastify';
import { wireLimits } from '../../cni/wire.ts';

/** What a CNI call came to: `ok` decides exit 0 or 1, `body` goes to stdout as it is. */
export interface CniAnswer {
  readonly ok: boolean;
  readonly body: string;
}

/** What the socket serves; each view is read-only and answers with plain JSON. */
export interface SocketParts {
  readonly cni: (
    headers: Readonly<Record<string, string | string[] | undefined>>,
    stdin: Buffer,
    callerGone: AbortSignal,
  ) => Promise<CniAnswer>;
  readonly views: Readonly<Record<string, () => unknown>>;
}

/** The daemon's mutating API and its views; to be listened on at a root-only unix socket, never on a port. */
export function socketApp(parts: SocketParts): FastifyInstance {
  const app = Fastify({
    bodyLimit: wireLimits.body,
    http: { maxHeaderSize: wireLimits.headers },
    forceCloseConnections: true,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, allErrors: true } },
  });
  // stdin goes through verbatim: whether it is JSON is for the CNI gate to judge, with CNI's codes.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

  app.post('/cni', async (request, reply) => {
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    request.raw.socket.once('close', leave);
    const stdin = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const answer = await parts.cni(request.headers, stdin, gone.signal);
    request.raw.socket.off('close', leave);
    return reply
      .code(answer.ok ? 200 : 500)
      .type('application/json')
      .send(answer.body);
  });
  for (const [name, view] of Object.entries(parts.views)) {
    app.get(`/v1/${name}`, async (_request, reply) => {
      return reply.type('application/json').send(JSON.stringify(view(), jsonValue, 2));
    });
  }
  return app;
}

function jsonValue(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
