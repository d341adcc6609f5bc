import type { ServerResponse } from 'node:http';
import type { Fate } from './proxy.ts';

type Instead = readonly [name: string, answer: (response: ServerResponse) => void];

const status = (code: number, reason: string, headers: Record<string, string> = {}): Instead => [
  `${code}`,
  (response) => {
    response.writeHead(code, { 'content-type': 'application/json', ...headers });
    response.end(
      JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: reason }),
    );
  },
];

const content = (name: string, text: string): Instead => [
  name,
  (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(text),
];

const both: readonly [Instead, ...Instead[]] = [
  status(429, 'TooManyRequests', { 'retry-after': '1' }),
  status(500, 'InternalError'),
  status(503, 'ServiceUnavailable'),
  status(504, 'Timeout'),
  status(401, 'Unauthorized'),
  status(403, 'Forbidden'),
  status(404, 'NotFound'),
  status(410, 'Expired'),
  ['502 page', (response) => response.writeHead(502, { 'content-type': 'text/html' }).end('<html>bad gateway</html>')],
  ['reset before any byte', (response) => response.socket?.resetAndDestroy()],
  ['closed before any byte', (response) => response.destroy()],
  ['silence', () => {}],
  content('empty body', ''),
  content('page', '<html>sign in</html>'),
  content('null', 'null\n'),
  content('empty object', '{}\n'),
  content('array', '[]\n'),
  content('cut JSON', '{"kind":"ConfigMapList","metadata":{"resourceVersion":"7"},"items":[{"metad'),
  content('Status Success', '{"kind":"Status","status":"Success","metadata":{}}\n'),
  content('list without version', '{"kind":"ConfigMapList","metadata":{},"items":[]}\n'),
];

const inWatch = (name: string, event: unknown): Instead => content(name, `${JSON.stringify(event)}\n`);
const failure = (code: number, reason: string, details?: object): Instead =>
  inWatch(`ERROR ${code}`, { type: 'ERROR', object: { kind: 'Status', code, reason, message: reason, details } });

const watchOnly: readonly [Instead, ...Instead[]] = [
  failure(410, 'Expired'),
  failure(500, 'InternalError'),
  failure(429, 'TooManyRequests', { retryAfterSeconds: 1 }),
  inWatch('event without object', { type: 'ADDED' }),
  inWatch('event without version', { type: 'MODIFIED', object: { metadata: { name: 'a' } } }),
  inWatch('bookmark without version', { type: 'BOOKMARK', object: { metadata: {} } }),
  inWatch('unknown event', { type: 'RENAMED', object: {} }),
];

/** Names of wrong answers: to any request, and to watches only. */
export const answerFaults = { any: both.map(([name]) => name), watch: watchOnly.map(([name]) => name) };

/** Answers in the server's place, wrongly: with the answer of that name, or with any. */
export function instead(response: ServerResponse, { dice, hit }: Fate, watch: boolean, wanted?: string): void {
  const all = [...both, ...watchOnly];
  const one = all.find(([name]) => name === wanted) ?? dice.pick(watch && dice.chance(0.4) ? watchOnly : both);
  const [name, answer] = one;
  hit(name);
  answer(response);
}
