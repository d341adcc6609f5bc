import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { urlOf } from '../kube/fake-api.ts';
import type { Access } from '../kube-rest.ts';
import { instead } from './answers.ts';
import { breakBody } from './bodies.ts';
import { type Dice, dice } from './random.ts';

/** Faults of one client, by its seed, until it is left in peace. */
export interface FaultRun {
  /** What the client takes for the API server. */
  readonly url: string;
  /** Requests so far. */
  readonly requests: number;
  /** Faults so far, by name. */
  readonly faults: ReadonlyMap<string, number>;
  /** No fault from now on; what is already broken, stalled or late stays so. */
  calm(): void;
}

export interface FaultProxy {
  /** @param lies also what no server sends: events of objects told twice or in another order, and bookmarks that run ahead */
  run(seed: number, lies?: boolean): FaultRun;
  close(): Promise<void>;
}

/** What decides the fate of one request and of its answer. */
export interface Fate {
  readonly dice: Dice;
  readonly lies: boolean;
  readonly calm: () => boolean;
  /** Counts a fault. */
  readonly hit: (name: string) => void;
}

/** Stands in front of an API server; each run has a path prefix of its own, and clients bring their own credentials. */
export async function startFaultProxy(access: Access): Promise<FaultProxy> {
  const runs = new Map<string, (message: IncomingMessage, response: ServerResponse, path: string) => void>();
  const server = createServer((message, response) => {
    const [, id = '', path = ''] = /^\/(\d+)(\/.*)$/.exec(message.url ?? '') ?? [];
    runs.get(id)?.(message, response, path);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  let count = 0;
  return {
    run: (seed, lies = false) => {
      const id = String(count++);
      const faults = new Map<string, number>();
      const random = dice(seed);
      let calm = false;
      let requests = 0;
      const fate: Fate = {
        dice: random,
        lies,
        calm: () => calm,
        hit: (name) => faults.set(name, (faults.get(name) ?? 0) + 1),
      };
      runs.set(id, (message, response, path) => {
        requests += 1;
        if (calm || !random.chance(0.35)) forward(access, message, response, path, fate);
        else instead(response, fate, path.includes('watch=true'));
      });
      return {
        url: `${urlOf(server)}/${id}`,
        get requests() {
          return requests;
        },
        faults,
        calm: () => {
          calm = true;
        },
      };
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function forward(access: Access, message: IncomingMessage, response: ServerResponse, path: string, fate: Fate): void {
  const target = new URL(path, access.url);
  const watch = target.searchParams.get('watch') === 'true';
  // Short watches: the server itself ends them, with a bookmark before the end.
  if (watch && !fate.calm() && fate.dice.chance(0.3)) {
    target.searchParams.set('timeoutSeconds', '1');
    fate.hit('short watch');
  }
  const options = {
    method: message.method ?? 'GET',
    headers: { ...message.headers, host: target.host },
    agent: false,
    ...(access.ca !== undefined && { ca: access.ca }),
  } as const;
  const call = target.protocol === 'https:' ? httpsRequest(target, options) : httpRequest(target, options);
  call.on('error', () => response.destroy());
  call.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, { 'content-type': answer.headers['content-type'] ?? '' });
    response.flushHeaders();
    void breakBody(answer, response, fate, watch).catch(() => response.destroy());
  });
  response.on('close', () => call.destroy());
  message.pipe(call);
}
