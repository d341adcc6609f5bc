import {
  createServer,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { urlOf } from '../kube/fake-api.ts';
import type { Access } from '../kube-rest.ts';
import { answerFaults, instead } from './answers.ts';
import { breakBody, lineFaults } from './bodies.ts';
import { type Dice, dice } from './random.ts';

/** Faults of one client, by its seed, until it is left in peace. */
export interface FaultRun {
  /** What the client takes for the API server. */
  readonly url: string;
  /** Requests so far. */
  readonly requests: number;
  /** Faults so far, by name. */
  readonly faults: ReadonlyMap<string, number>;
  /** The fault that this run meets in any case, at the first occasion; undefined once it has. */
  readonly owed: string | undefined;
  /** No fault from now on but the one that is owed; what is already broken, stalled or late stays so. */
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
  /** The name of the fault that the run is to meet, if it is among those that can happen now; asked once, it has happened. */
  readonly owed: (possible: readonly string[]) => string | undefined;
}

/** Kinds of faults; each run is owed one of them by its seed, so that in many runs each kind is met, whatever the dice say. */
export function kindsOf(lies: boolean): string[] {
  const kinds = [...answerFaults.any, ...answerFaults.watch, ...lineFaults.any, ...lineFaults.watch, 'short watch'];
  return lies ? [...kinds, ...lineFaults.lies] : kinds;
}

/** Stands in front of an API server; each run has a path prefix of its own, and clients bring their own credentials. */
export async function startFaultProxy(access: Access): Promise<FaultProxy> {
  // Handshakes would be most of the work.
  const agent = access.url.startsWith('https:')
    ? new HttpsAgent({ keepAlive: true })
    : new HttpAgent({ keepAlive: true });
  const upstream: Upstream = { access, agent };
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
      const kinds = kindsOf(lies);
      let owed = kinds[seed % kinds.length];
      let calm = false;
      let requests = 0;
      const fate: Fate = {
        dice: random,
        lies,
        calm: () => calm,
        hit: (name) => faults.set(name, (faults.get(name) ?? 0) + 1),
        owed: (possible) => {
          if (owed === undefined || !possible.includes(owed)) return undefined;
          const due = owed;
          owed = undefined;
          return due;
        },
      };
      runs.set(id, (message, response, path) => {
        requests += 1;
        const watch = path.includes('watch=true');
        const due = fate.owed([...answerFaults.any, ...(watch ? answerFaults.watch : [])]);
        if (due === undefined && (calm || !random.chance(0.35))) forward(upstream, message, response, path, fate);
        else instead(response, fate, watch, due);
      });
      return {
        url: `${urlOf(server)}/${id}`,
        get requests() {
          return requests;
        },
        faults,
        get owed() {
          return owed;
        },
        calm: () => {
          calm = true;
        },
      };
    },
    close: async () => {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Upstream {
  readonly access: Access;
  readonly agent: HttpAgent;
}

function forward(
  { access, agent }: Upstream,
  message: IncomingMessage,
  response: ServerResponse,
  path: string,
  fate: Fate,
): void {
  const target = new URL(path, access.url);
  const watch = target.searchParams.get('watch') === 'true';
  // What was told wrongly is found at the end of a watch, which comes after minutes otherwise.
  if (watch && fate.lies) target.searchParams.set('timeoutSeconds', '3');
  // Short watches: the server itself ends them, with a bookmark before the end.
  const owed = watch && fate.owed(['short watch']) !== undefined;
  if (owed || (watch && !fate.calm() && fate.dice.chance(0.3))) {
    target.searchParams.set('timeoutSeconds', '1');
    fate.hit('short watch');
  }
  const options = {
    method: message.method ?? 'GET',
    headers: { ...message.headers, host: target.host },
    agent,
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
