import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { messageOf } from '../../api/message-of.ts';
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
export function socketApp(parts: SocketParts): Server {
  const views = new Map(Object.entries(parts.views).map(([name, view]) => [`/v1/${name}`, view]));
  return createServer({ maxHeaderSize: wireLimits.headers }, (request, response) => {
    const { method, url = '' } = request;
    const view = method === 'GET' ? views.get(url) : undefined;
    if (view !== undefined) show(view, response);
    else if (method === 'POST' && url === '/cni') void carryOut(parts.cni, request, response);
    else refuse(response, 404, `there are POST /cni and GET ${[...views.keys()].join(', ')}`);
  });
}

function show(view: () => unknown, response: ServerResponse): void {
  try {
    answer(response, 200, JSON.stringify(view(), jsonValue, 2));
  } catch (error) {
    // Nobody's look ends the daemon.
    refuse(response, 500, messageOf(error));
  }
}

/** Stdin goes through verbatim: whether it is JSON is for the CNI gate to judge, with CNI's codes. */
async function carryOut(cni: SocketParts['cni'], request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  request.socket.once('close', leave);
  try {
    const stdin = await bodyOf(request);
    if (stdin === undefined) return refuse(response, 413, `stdin has more than ${wireLimits.body} bytes`);
    const { ok, body } = await cni(request.headers, stdin, gone.signal);
    request.socket.off('close', leave);
    answer(response, ok ? 200 : 500, body);
  } catch {
    // The caller went while it spoke: there is nobody to answer.
    response.destroy();
  }
}

/** Undefined where it is larger than any shim sends. @throws Error when the caller goes before its end */
function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    request.on('data', (part: Buffer) => {
      length += part.length;
      if (length > wireLimits.body) resolve(undefined);
      else parts.push(part);
    });
    request.on('end', () => resolve(Buffer.concat(parts)));
    request.on('error', reject);
  });
}

function answer(response: ServerResponse, status: number, body: string): void {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  response.writeHead(status, headers).end(body);
}

function refuse(response: ServerResponse, status: number, message: string): void {
  answer(response, status, JSON.stringify({ message }));
}

function jsonValue(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
