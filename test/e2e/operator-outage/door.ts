import { createServer } from 'node:http';
import { urlOf } from '../../support/kube/fake-api.ts';
import type { Access } from '../../support/kube-rest.ts';
import { forward } from '../control-plane/forward.ts';

/** How the door treats requests: `gone` ends every connection as soon as it is made, a number is the code of every answer. */
export type Mood = 'open' | 'gone' | 429 | 500;

/** A way to a real API server that can be shut, and counts who knocks. */
export interface Door {
  readonly url: string;
  /** Ends all connections, and begins to count anew. */
  set(mood: Mood): void;
  /** `METHOD path` of each request since, or `connection` where nobody listened. */
  readonly knocks: readonly string[];
  close(): Promise<void>;
}

/** Listens on loopback, without TLS: everybody goes through as `access` says. */
export async function startDoor(access: Access): Promise<Door> {
  let mood: Mood = 'open';
  let knocks: string[] = [];
  const server = createServer((message, response) => {
    knocks.push(`${message.method} ${message.url?.split('?', 1)[0]}`);
    if (typeof mood !== 'number') return forward(access, message, response);
    const status = {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      code: mood,
      reason: '',
      message: 'on demand',
    };
    response.writeHead(mood, { 'content-type': 'application/json' }).end(JSON.stringify(status));
  });
  server.on('connection', (socket) => {
    if (mood !== 'gone') return;
    knocks.push('connection');
    socket.resetAndDestroy();
  });
  // A client that is slow must not meet a connection that ends for want of requests.
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: urlOf(server),
    set(next) {
      mood = next;
      knocks = [];
      server.closeAllConnections();
    },
    get knocks() {
      return knocks;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
