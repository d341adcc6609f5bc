import { createServer } from 'node:http';
import type { Access } from '../../support/kube-rest.ts';
import { forward } from '../control-plane/forward.ts';

/** A way to an API server that ends in the middle of something: with the first request that would change anything. */
export interface Gate {
  readonly url: string;
  /** From now on reads go through; the first other request, and all after it, find nobody. */
  arm(): void;
  /** It has met such a request. */
  readonly dead: boolean;
  close(): Promise<void>;
}

/** Listens on the address, without TLS, over which clients send no token: everybody goes through as `access` says. */
export async function startGate(access: Access, address: string): Promise<Gate> {
  let state: 'open' | 'armed' | 'dead' = 'open';
  const server = createServer((message, response) => {
    if (state === 'armed' && message.method !== 'GET') state = 'dead';
    if (state === 'dead') message.socket.resetAndDestroy();
    else forward(access, message, response);
  });
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  return {
    url: `http://${address}:${port}`,
    arm: () => {
      state = 'armed';
    },
    get dead() {
      return state === 'dead';
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
