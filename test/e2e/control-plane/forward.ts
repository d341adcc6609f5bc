import type { IncomingMessage, ServerResponse } from 'node:http';
import { request } from 'node:https';
import type { Access } from '../../support/kube-rest.ts';

/** Hands a request on to an API server with the token of `access`, and its answer back. */
export function forward({ url, ca, token }: Access, message: IncomingMessage, response: ServerResponse): void {
  const target = new URL(message.url ?? '/', url);
  const { method = 'GET' } = message;
  const headers = { ...message.headers, host: target.host, authorization: `Bearer ${token}` };
  const call = request(target, { method, headers, agent: false, ...(ca !== undefined && { ca }) }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    response.flushHeaders();
    answer.pipe(response);
  });
  call.on('error', () => response.destroy());
  response.on('close', () => call.destroy());
  message.pipe(call);
}
